/* SPDX-License-Identifier: MIT */
/*
 * Runs a program for its output (`exec:` secrets): absolute path, argument list, no shell, empty
 * environment, folder "/", no descriptors but 0, 2 (/dev/null) and 1, own process group, no core dump, a
 * deadline and a size limit. A process of the core's own stands between: execve resets the exit signal to
 * SIGCHLD, so only a child that never calls it can stay unseen. It is that child, sends no exit signal, is
 * reaped through a pidfd, and is the parent of the program, so the host's SIGCHLD and waitpid(-1) meet
 * neither. What the program leaves running in its group is killed.
 */
#ifndef SERVICES_EXEC_H
#define SERVICES_EXEC_H

#include <paa/types.h>

enum { EXEC_TIMEOUT_MS = 5000, EXEC_OUTPUT_MAX = 64 * 1024, EXEC_ARGS_MAX = 32 };

/* Blocks. argv[0] is the absolute path, trust-checked here, as is the interpreter of a script. Refused under
 * AT_SECURE. Output in memory from secret_alloc of
 * EXEC_OUTPUT_MAX bytes; free with secret_free(data, EXEC_OUTPUT_MAX). 0, or -1 with a sentence that never
 * holds what the program wrote. */
int exec_output(char *const argv[], char **ret_data, size_t *ret_size, struct paa_error *error);

/* The same with another deadline; for tests. */
int exec_output_within(char *const argv[], int timeout_ms, char **ret_data, size_t *ret_size,
                       struct paa_error *error);

#endif
