/* SPDX-License-Identifier: MIT */
/* The ELF reader over damaged and foreign files, made from a good one. */
#include "test.h"

#include "elf_file.h"

#include <elf.h>
#include <stdlib.h>

static unsigned char *file;
static size_t size;

static void read_good(void)
{
    FILE *from = fopen(PLUGIN_FOLDER "/rpath.so", "rb");

    free(file);
    file = malloc(1024 * 1024);
    if (from == NULL || file == NULL)
        abort();
    size = fread(file, 1, 1024 * 1024, from);
    (void)fclose(from);
}

static const char *problem(void)
{
    struct elf elf;
    const char *text = elf_read(paa_bytes_of(file, size), &elf);

    return text != NULL ? text : "(none)";
}

/* The header's bytes from offset on become `value`. */
static const char *problem_with(size_t offset, unsigned value, size_t width)
{
    read_good();
    for (size_t i = 0; i < width; i++)
        file[offset + i] = (unsigned char)(value >> 8 * i);
    return problem();
}

TEST(a_good_library_tells_its_paths_and_symbols)
{
    struct elf elf;
    struct paa_str name;
    size_t index = 0;
    int found = 0;

    read_good();
    REQUIRE(elf_read(paa_bytes_of(file, size), &elf) == NULL);
    CHECK_STR(elf.rpath, "/usr/lib/x:/opt/elsewhere");
    CHECK(elf.runpath.data == NULL);
    CHECK(!elf.has_executable_stack && elf.has_symbols);
    while (elf_next_export(&elf, &index, &name))
        found += paa_str_eq(name, "paa_plugin_1_rpath");
    CHECK_INT(found, 1);
}

TEST(foreign_files_have_a_sentence_each)
{
    CHECK_HAS(problem_with(0, 'x', 1), "is no ELF file");
    CHECK_HAS(problem_with(EI_CLASS, ELFCLASS32, 1), "not a 64-bit one");
    CHECK_HAS(problem_with(EI_DATA, ELFDATA2MSB, 1), "of the other byte order");
    CHECK_HAS(problem_with(offsetof(Elf64_Ehdr, e_machine), EM_SPARC, 2),
              "another kind of processor");
    CHECK_HAS(problem_with(offsetof(Elf64_Ehdr, e_type), ET_REL, 2), "no shared library");
}

TEST(damaged_files_have_a_sentence_each)
{
    CHECK_HAS(problem_with(offsetof(Elf64_Ehdr, e_phoff), 0xffffffff, 4),
              "program headers are not within it");
    CHECK_HAS(problem_with(offsetof(Elf64_Ehdr, e_phnum), 0xffff, 2),
              "program headers are not within it");
    CHECK_HAS(problem_with(offsetof(Elf64_Ehdr, e_phnum), 0, 2), "no shared library");
    read_good();
    size = 40;
    CHECK_HAS(problem(), "its header is cut off");
    size = 0;
    CHECK_HAS(problem(), "is no ELF file");
}

TEST(no_length_of_a_cut_off_file_is_read_beyond)
{
    read_good();
    for (size_t cut = size; cut-- > 0;) {
        unsigned char *part = malloc(cut + 1);
        struct elf elf;
        struct paa_str name;
        size_t index = 0;

        REQUIRE(part != NULL);
        memcpy(part, file, cut);
        if (elf_read(paa_bytes_of(part, cut), &elf) == NULL)
            while (elf_next_export(&elf, &index, &name))
                CHECK(name.data + name.size <= (const char *)part + cut);
        free(part);
        if (cut > 4096)
            cut -= 61;
    }
}

TEST(only_the_system_s_folders_may_be_searched)
{
    CHECK(elf_foreign_folder(paa_str_of("/usr/lib:/lib64/x")).data == NULL);
    CHECK_STR(elf_foreign_folder(paa_str_of("/usr/lib:/usr/library")), "/usr/library");
    CHECK_STR(elf_foreign_folder(paa_str_of("/usr/lib/../../tmp")), "/usr/lib/../../tmp");
    CHECK_STR(elf_foreign_folder(paa_str_of("$ORIGIN")), "$ORIGIN");
    CHECK_STR(elf_foreign_folder(paa_str_of("/usr/lib:")), "");
    CHECK_STR(elf_foreign_folder(paa_str_of("")), "");
    CHECK(elf_foreign_folder((struct paa_str){ NULL, 0 }).data == NULL);
}
