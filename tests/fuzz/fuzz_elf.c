/* SPDX-License-Identifier: MIT */
/* The ELF reader: whatever the bytes, it stays within them and comes to an end. */
#include "elf_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf elf;
    struct paa_str name;
    size_t index = 0;

    if (elf_read(paa_bytes_of(data, size), &elf) != NULL)
        return 0;
    (void)elf_foreign_folder(elf.rpath);
    (void)elf_foreign_folder(elf.runpath);
    while (elf_next_export(&elf, &index, &name)) {
        if ((const uint8_t *)name.data < data ||
            (const uint8_t *)name.data + name.size >= data + size) /* its NUL is within, too */
            abort();
    }
    return 0;
}
