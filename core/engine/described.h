/* SPDX-License-Identifier: MIT */
/* What instances say of themselves for the metadata of services (the `describe` slot). */
#ifndef ENGINE_DESCRIBED_H
#define ENGINE_DESCRIBED_H

#include "metadata.h"

/* After create, with its operation: the instance will be asked when somebody wants to know. */
enum paa_status described_open(struct op *op, struct instance *instance);
/* outcome->metadata. NULL: fine; else what is wrong with it. */
const char *described_add(struct op *op, struct paa_str name, struct paa_str json);

#endif
