/* SPDX-License-Identifier: MIT */
/*
 * Reads what the loader must know of a shared library before any of it runs. Pure, over bytes from outside:
 * every offset is checked. Knows no file and no dlopen.
 */
#ifndef LOADER_ELF_FILE_H
#define LOADER_ELF_FILE_H

#include <paa/types.h>
#include <stdbool.h>

enum {
    ELF_SEGMENTS_MAX = 256,
    ELF_SECTIONS_MAX = 4096,
    ELF_DYNAMIC_MAX = 4096, /* entries */
    ELF_SYMBOLS_MAX = 1 << 20
};

struct elf {
    struct paa_bytes file;
    struct paa_str rpath;   /* DT_RPATH; absent: none */
    struct paa_str runpath; /* DT_RUNPATH; likewise */
    bool has_executable_stack;
    /* from the section table, which a library may lack */
    bool has_symbols;
    size_t symbols; /* offsets and sizes within the file */
    size_t symbol_count;
    size_t names;
    size_t names_size;
};

/* NULL: *ret_elf is filled, and its views point into file. Else what is wrong, to follow the file's path:
 * "is no ELF file", … A library that this process cannot load is refused here. */
const char *elf_read(struct paa_bytes file, struct elf *ret_elf);

/* The next symbol that the library defines and exports, from *index on; false: no more. */
bool elf_next_export(const struct elf *elf, size_t *index, struct paa_str *ret_name);

/* Pure. The first folder of a DT_RPATH or DT_RUNPATH that is not the system's; absent: none. An empty one is
 * the current folder. */
struct paa_str elf_foreign_folder(struct paa_str path);

#endif
