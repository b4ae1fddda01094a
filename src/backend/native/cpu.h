/* SPDX-License-Identifier: Apache-2.0
 *
 * What the processor offers. Asked with a few instructions each time; callers keep the answer.
 */
#ifndef FTL_NATIVE_CPU_H
#define FTL_NATIVE_CPU_H

#include "backend/native/kernels.h"

/* Whether the processor and the operating system run code for this instruction set. */
bool ftl_cpu_has_isa(ftl_isa isa);

/* Bytes of data cache as seen by one core; guesses where the system does not tell. */
typedef struct ftl_cpu_caches {
    size_t l1, l2, l3;
} ftl_cpu_caches;
ftl_cpu_caches ftl_cpu_get_caches(void);

#endif
