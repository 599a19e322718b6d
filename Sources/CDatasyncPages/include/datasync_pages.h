#ifndef DATASYNC_PAGES_H
#define DATASYNC_PAGES_H

#include <stddef.h>

/* A file of site/, as it was when the program was built. */
struct datasync_page {
  /* Within site/, with slashes, ended by a NUL. */
  const char *name;
  const unsigned char *bytes;
  size_t count;
};

size_t datasync_page_count(void);

/* Of those, the one at index. */
struct datasync_page datasync_page_at(size_t index);

#endif
