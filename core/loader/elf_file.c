/* SPDX-License-Identifier: MIT */
/* elf_file.h: a reader of little more than the dynamic section. Structures are copied out, never pointed at. */
#include "elf_file.h"

#include "str.h"

#include <elf.h>
#include <endian.h>

#if defined(__x86_64__)
static const unsigned OWN_MACHINE = EM_X86_64;
#elif defined(__aarch64__)
static const unsigned OWN_MACHINE = EM_AARCH64;
#elif defined(__riscv)
static const unsigned OWN_MACHINE = EM_RISCV;
#elif defined(__powerpc64__)
static const unsigned OWN_MACHINE = EM_PPC64;
#elif defined(__s390x__)
static const unsigned OWN_MACHINE = EM_S390;
#elif defined(__loongarch__)
static const unsigned OWN_MACHINE = 258;
#else
#error "name this machine's ELF number here"
#endif

#if __BYTE_ORDER == __LITTLE_ENDIAN
static const unsigned char OWN_ORDER = ELFDATA2LSB;
#else
static const unsigned char OWN_ORDER = ELFDATA2MSB;
#endif

struct dynamic { /* what the dynamic section says, as it says it */
    bool has_strings;
    bool has_rpath;
    bool has_runpath;
    uint64_t strings_address;
    uint64_t strings_size;
    uint64_t rpath; /* offsets in the strings */
    uint64_t runpath;
};

/* count structures of `size` bytes at offset: within the file? */
static bool is_inside(struct paa_bytes file, uint64_t offset, uint64_t count, uint64_t size)
{
    return offset <= file.size && count <= (file.size - offset) / size;
}

static bool copy_out(struct paa_bytes file, uint64_t offset, void *ret_data, size_t size)
{
    if (!is_inside(file, offset, 1, size))
        return false;
    memcpy(ret_data, file.data + offset, size);
    return true;
}

static const char *check_header(struct paa_bytes file, Elf64_Ehdr *ret_header)
{
    if (file.size < EI_NIDENT || memcmp(file.data, ELFMAG, SELFMAG) != 0)
        return "is no ELF file: name a shared library";
    if (file.data[EI_CLASS] != ELFCLASS64)
        return "is an ELF file, but not a 64-bit one: build it for this machine";
    if (file.data[EI_DATA] != OWN_ORDER)
        return "is an ELF file of the other byte order: build it for this machine";
    if (!copy_out(file, 0, ret_header, sizeof *ret_header))
        return "is a damaged ELF file: its header is cut off";
    if (ret_header->e_machine != OWN_MACHINE)
        return "is an ELF file for another kind of processor: build it for this machine";
    if (ret_header->e_type != ET_DYN)
        return "is an ELF file, but no shared library: link it with -shared";
    if (ret_header->e_phentsize != sizeof(Elf64_Phdr) || ret_header->e_phnum > ELF_SEGMENTS_MAX ||
        !is_inside(file, ret_header->e_phoff, ret_header->e_phnum, sizeof(Elf64_Phdr)))
        return "is a damaged ELF file: its program headers are not within it";
    return NULL;
}

static Elf64_Phdr segment_at(struct paa_bytes file, const Elf64_Ehdr *header, unsigned index)
{
    Elf64_Phdr segment;

    memcpy(&segment, file.data + header->e_phoff + (uint64_t)index * sizeof segment,
           sizeof segment);
    return segment;
}

/* Where in the file an address will come from. */
static bool offset_of(struct paa_bytes file, const Elf64_Ehdr *header, uint64_t address,
                      uint64_t *ret_offset)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment = segment_at(file, header, i);

        if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
            address - segment.p_vaddr >= segment.p_filesz ||
            segment.p_offset > file.size - 1) /* the file is not empty here */
            continue;
        *ret_offset = segment.p_offset + (address - segment.p_vaddr);
        return *ret_offset < file.size && *ret_offset >= segment.p_offset;
    }
    return false;
}

static void note_entry(const Elf64_Dyn *entry, struct dynamic *dynamic)
{
    switch (entry->d_tag) {
    case DT_STRTAB:
        dynamic->has_strings = true;
        dynamic->strings_address = entry->d_un.d_ptr;
        break;
    case DT_STRSZ:
        dynamic->strings_size = entry->d_un.d_val;
        break;
    case DT_RPATH:
        dynamic->has_rpath = true;
        dynamic->rpath = entry->d_un.d_val;
        break;
    case DT_RUNPATH:
        dynamic->has_runpath = true;
        dynamic->runpath = entry->d_un.d_val;
        break;
    default:
        break;
    }
}

/* As the dynamic linker does, by address: what the segment says of the file could be another place. */
static const char *read_dynamic(struct paa_bytes file, const Elf64_Ehdr *header,
                                const Elf64_Phdr *segment, struct dynamic *ret_dynamic)
{
    uint64_t offset;
    Elf64_Dyn entry;

    if (!offset_of(file, header, segment->p_vaddr, &offset))
        return "is a damaged ELF file: its dynamic section is not within it";
    for (size_t i = 0; i < ELF_DYNAMIC_MAX; i++) {
        if (!copy_out(file, offset + i * sizeof entry, &entry, sizeof entry))
            break;
        if (entry.d_tag == DT_NULL)
            return NULL;
        note_entry(&entry, ret_dynamic);
    }
    return "is a damaged ELF file: its dynamic section has no end";
}

static bool string_at(struct paa_bytes file, uint64_t table, uint64_t table_size, uint64_t offset,
                      struct paa_str *ret_text)
{
    const char *begin;
    const char *end;

    if (table > file.size || table_size > file.size - table || offset >= table_size)
        return false;
    begin = (const char *)file.data + table + offset;
    end = memchr(begin, '\0', (size_t)(table_size - offset));
    if (end == NULL)
        return false;
    *ret_text = paa_str_of_n(begin, (size_t)(end - begin));
    return true;
}

static const char *read_paths(struct paa_bytes file, const Elf64_Ehdr *header,
                              const struct dynamic *dynamic, struct elf *elf)
{
    uint64_t table = 0;

    if (!dynamic->has_rpath && !dynamic->has_runpath)
        return NULL;
    if (!dynamic->has_strings || !offset_of(file, header, dynamic->strings_address, &table) ||
        (dynamic->has_rpath &&
         !string_at(file, table, dynamic->strings_size, dynamic->rpath, &elf->rpath)) ||
        (dynamic->has_runpath &&
         !string_at(file, table, dynamic->strings_size, dynamic->runpath, &elf->runpath)))
        return "is a damaged ELF file: its search path is not within it";
    return NULL;
}

static bool section_at(struct paa_bytes file, const Elf64_Ehdr *header, unsigned index,
                       Elf64_Shdr *ret_section)
{
    return index < header->e_shnum &&
           copy_out(file, header->e_shoff + (uint64_t)index * sizeof *ret_section, ret_section,
                    sizeof *ret_section);
}

/* Only for better sentences and to refuse early: a library without sections, or with false ones, is asked by
 * dlsym all the same. */
static void find_symbols(struct paa_bytes file, const Elf64_Ehdr *header, struct elf *elf)
{
    Elf64_Shdr section;
    Elf64_Shdr names;

    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > ELF_SECTIONS_MAX ||
        !is_inside(file, header->e_shoff, header->e_shnum, sizeof(Elf64_Shdr)))
        return;
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (!section_at(file, header, i, &section) || section.sh_type != SHT_DYNSYM)
            continue;
        if (section.sh_entsize != sizeof(Elf64_Sym) || section.sh_size == 0 ||
            section.sh_size / sizeof(Elf64_Sym) > ELF_SYMBOLS_MAX ||
            !is_inside(file, section.sh_offset, section.sh_size, 1) ||
            !section_at(file, header, section.sh_link, &names) ||
            !is_inside(file, names.sh_offset, names.sh_size, 1))
            return;
        elf->has_symbols = true;
        elf->symbols = (size_t)section.sh_offset;
        elf->symbol_count = (size_t)(section.sh_size / sizeof(Elf64_Sym));
        elf->names = (size_t)names.sh_offset;
        elf->names_size = (size_t)names.sh_size;
        return;
    }
}

const char *elf_read(struct paa_bytes file, struct elf *ret_elf)
{
    struct dynamic dynamic = { .has_strings = false };
    const char *problem;
    Elf64_Ehdr header;
    bool has_dynamic = false;

    memset(ret_elf, 0, sizeof *ret_elf);
    ret_elf->file = file;
    problem = check_header(file, &header);
    /* glibc makes the stacks executable for a library that does not say it needs none */
    ret_elf->has_executable_stack = true;
    for (unsigned i = 0; problem == NULL && i < header.e_phnum; i++) {
        Elf64_Phdr segment = segment_at(file, &header, i);

        if (segment.p_type == PT_GNU_STACK)
            ret_elf->has_executable_stack = (segment.p_flags & PF_X) != 0;
        if (segment.p_type != PT_DYNAMIC)
            continue;
        has_dynamic = true;
        problem = read_dynamic(file, &header, &segment, &dynamic);
    }
    if (problem == NULL && !has_dynamic)
        problem = "is an ELF file, but no shared library: link it with -shared";
    if (problem == NULL)
        problem = read_paths(file, &header, &dynamic, ret_elf);
    if (problem == NULL)
        find_symbols(file, &header, ret_elf);
    return problem;
}

bool elf_next_export(const struct elf *elf, size_t *index, struct paa_str *ret_name)
{
    while (elf->has_symbols && *index < elf->symbol_count) {
        Elf64_Sym symbol;
        unsigned binding;
        unsigned visibility;

        memcpy(&symbol, elf->file.data + elf->symbols + *index * sizeof symbol, sizeof symbol);
        (*index)++;
        binding = ELF64_ST_BIND(symbol.st_info);
        visibility = ELF64_ST_VISIBILITY(symbol.st_other);
        if (symbol.st_shndx != SHN_UNDEF && (binding == STB_GLOBAL || binding == STB_WEAK) &&
            (visibility == STV_DEFAULT || visibility == STV_PROTECTED) &&
            string_at(elf->file, elf->names, elf->names_size, symbol.st_name, ret_name))
            return true;
    }
    return false;
}

/* ---- search paths ------------------------------------------------------------------------------ */

static bool is_system_folder(struct paa_str folder)
{
    static const char *const roots[] = { "/lib", "/lib64", "/usr/lib", "/usr/lib64" };

    for (size_t i = 0; i + 1 < folder.size; i++)
        if (folder.data[i] == '.' && folder.data[i + 1] == '.')
            return false;
    if (str_find(folder, '$', 0) < folder.size) /* $ORIGIN, $LIB: wherever the file lies */
        return false;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        struct paa_str root = paa_str_of(roots[i]);

        if (str_starts(folder, root) && (folder.size == root.size || folder.data[root.size] == '/'))
            return true;
    }
    return false;
}

struct paa_str elf_foreign_folder(struct paa_str path)
{
    for (size_t from = 0; path.data != NULL && from <= path.size;) {
        size_t end = str_find(path, ':', from);
        struct paa_str folder = str_slice(path, from, end);

        if (!is_system_folder(folder))
            return folder;
        from = end + 1;
    }
    return STR_NONE;
}
