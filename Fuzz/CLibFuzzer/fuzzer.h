#ifndef DATASYNC_FUZZER_H
#define DATASYNC_FUZZER_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer for a program with a main of its own. Source: llvm.org/docs/LibFuzzer.html.
int LLVMFuzzerRunDriver(
    int *argc, char ***argv, int (*run)(const uint8_t *bytes, size_t count));

#endif
