/* SPDX-License-Identifier: MIT */
/* A PAM module that returns its first argument as a number, also one that is no PAM code: pam_debug cannot. */
#include <stdlib.h>

#include <security/pam_appl.h>
#include <security/pam_modules.h>

#define SHOWN __attribute__((visibility("default")))

SHOWN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    return argc > 0 ? (int)strtol(argv[0], NULL, 10) : PAM_SYSTEM_ERR;
}

SHOWN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_sm_authenticate(pamh, flags, argc, argv);
}
