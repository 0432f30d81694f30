/// What the C library has and Swift does not say.
#ifndef AUTOGRAD_CSYSTEM_H
#define AUTOGRAD_CSYSTEM_H

#if defined(__cplusplus)
extern "C" {
#endif

/// The program's arguments, its name first, ended by NULL, as the C library was given them. Swift's `CommandLine` reads
/// /proc/self/cmdline instead: where /proc is not mounted it has no arguments.
char *const *system_arguments(void);

#if defined(__cplusplus)
}
#endif

#endif
