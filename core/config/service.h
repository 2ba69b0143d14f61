/* SPDX-License-Identifier: MIT */
/* The parts of a service that are read in files of their own. */
#ifndef CONFIG_SERVICE_H
#define CONFIG_SERVICE_H

#include "reader.h"

/* policy_upstream.c */
void read_upstream(struct reader *reader, const struct node *group, struct service_conf *service);
/* policy_metadata.c: `metadata`, with origins known. */
void read_metadata(struct reader *reader, const struct node *node, struct service_conf *service);

/* policy_tls.c: `tls`, with origins known. */
void read_service_tls(struct reader *reader, const struct node *node, const char *folder,
                      struct service_conf *service);
/* policy_origin.c: `origins`, with direction and http_loopback known. */
void read_origins(struct reader *reader, const struct node *node, struct service_conf *service);

#endif
