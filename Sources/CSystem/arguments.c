#include "CSystem.h"

#include <stddef.h>

static char *const none[] = {NULL};
static char *const *arguments = none;

/// glibc calls initializers with the arguments of `main` (elf/dl-init.c, csu/libc-start.c).
__attribute__((constructor)) static void keep(int argc, char **argv, char **envp) {
  (void)argc;
  (void)envp;
  if (argv != NULL) arguments = argv;
}

char *const *system_arguments(void) { return arguments; }
