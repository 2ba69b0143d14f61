/* SPDX-License-Identifier: MIT */
/* paa/host/work.h for plugins; for the engine: per-worker lane memory comes from the instance. */
#ifndef SERVICES_WORK_H
#define SERVICES_WORK_H

enum { WORK_QUEUE_MAX = 1024, WORK_THREADS = 2, WORK_BLOCKING_THREADS = 8 };

#endif
