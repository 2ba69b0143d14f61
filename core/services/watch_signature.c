/* SPDX-License-Identifier: MIT */
/* watch_signature.h: one number of what stat says. */
#include "watch_signature.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
    return hash * 0xff51afd7ed558ccdu;
}

static uint64_t mix_stat(uint64_t hash, const struct stat *st)
{
    hash = mix(mix(hash, (uint64_t)st->st_dev), (uint64_t)st->st_ino);
    hash = mix(mix(hash, (uint64_t)st->st_size), st->st_mode);
    hash = mix(mix(hash, (uint64_t)st->st_mtim.tv_sec), (uint64_t)st->st_mtim.tv_nsec);
    return mix(mix(hash, (uint64_t)st->st_ctim.tv_sec), (uint64_t)st->st_ctim.tv_nsec);
}

bool watch_matters(const struct watch *watch, const char *name)
{
    size_t size = strlen(name), suffix = watch->suffix != NULL ? strlen(watch->suffix) : 0;

    if (strncmp(name, "..", 2) == 0)
        return true;
    return size >= suffix &&
           (suffix == 0 || memcmp(name + size - suffix, watch->suffix, suffix) == 0);
}

/* Sums, so that the order in which a folder is listed does not matter. */
static uint64_t signature_of_folder(const struct watch *watch, const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    uint64_t sum = 0;

    if (folder == NULL)
        return 1;
    for (int i = 0; i < WATCH_ENTRIES_MAX && (entry = readdir(folder)) != NULL; i++) {
        struct stat st;

        if (entry->d_name[0] != '.' && watch_matters(watch, entry->d_name) &&
            fstatat(dirfd(folder), entry->d_name, &st, 0) == 0)
            sum += mix_stat(2, &st);
    }
    closedir(folder);
    return sum;
}

uint64_t watch_signature(const struct watch *watch)
{
    uint64_t hash = 3;

    for (size_t i = 0; i < watch->path_count; i++) {
        struct stat st;

        if (stat(watch->paths[i], &st) != 0) {
            hash = mix(hash, 4);
            continue;
        }
        hash = watch->suffix == NULL || !S_ISDIR(st.st_mode) ? mix_stat(hash, &st)
                                                             : mix(hash, (uint64_t)st.st_ino);
        if (S_ISDIR(st.st_mode))
            hash = mix(hash, signature_of_folder(watch, watch->paths[i]));
    }
    return hash;
}
