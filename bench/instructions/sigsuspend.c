/* Preloaded into a server that runs under valgrind. libdispatch parks the main thread with a signal mask
   in read-only memory; valgrind 3.19 clears bits in it where it is, and dies of that. */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
  sigset_t copy = *mask;
  return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
