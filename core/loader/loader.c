/* SPDX-License-Identifier: MIT */
/*
 * loader.h: from a judged descriptor to a plugin. The only file that includes dlfcn.h.
 *
 * glibc knows libraries by path: for one it has loaded it returns the old code, whatever the file is now. So the
 * register holds path, inode and digest of all that was ever opened, and a file that differs from what runs
 * under its path is refused, never run half. Nothing is unloaded: threads and handlers of a library may live on.
 */
#include "loader.h"

#include "abi.h"
#include "codec.h"
#include "elf_file.h"
#include "str.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DIGEST_SIZE = 32, DIGEST_CHARS = 2 * DIGEST_SIZE, SHOWN_MAX = 200 };

struct entry {
    struct plugin plugin; /* table NULL: it was opened, and refused */
    char *path;
    struct entry *next;
};

struct candidate {
    int fd;
    const struct stat *st;
    const char *path;
    struct paa_str name;
    char name_text[ABI_NAME_MAX + 1];
    char symbol[ABI_SYMBOL_MAX];
    char sha256[DIGEST_CHARS + 1];
    unsigned char *file;
    struct paa_error *error;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct entry *entries; /* all that was ever opened, newest first */

/* A thread that was loading is not in the child; the list is whole at every moment. */
static void in_child(void)
{
    pthread_mutex_init(&lock, NULL);
}

static void init_once(void)
{
    (void)pthread_atfork(NULL, NULL, in_child);
}

PAA_PRINTF(3, 4)
static int refuse(struct paa_error *error, const char *path, const char *format, ...)
{
    size_t length = strlen(path);
    const char *dots = length > SHOWN_MAX ? "..." : "";
    const char *end = length > SHOWN_MAX ? path + length - SHOWN_MAX : path;
    int size = snprintf(error->text, sizeof error->text, "%s%s ", dots, end);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text + size, sizeof error->text - (size_t)size, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- bytes ------------------------------------------------------------------------------------- */

static int digest_of(struct paa_bytes bytes, char ret_sha256[DIGEST_CHARS + 1])
{
    unsigned char digest[DIGEST_SIZE];
    int saved = errno;
    int is_done;

    (void)ERR_set_mark();
    is_done = EVP_Digest(bytes.data, bytes.size, digest, NULL, EVP_sha256(), NULL);
    (void)ERR_pop_to_mark();
    errno = saved;
    if (is_done != 1)
        return -1;
    hex_encode(paa_bytes_of(digest, sizeof digest), ret_sha256);
    ret_sha256[DIGEST_CHARS] = '\0';
    return 0;
}

/* The whole file, malloc'ed. */
static int read_file(int fd, const struct stat *st, const char *path, unsigned char **ret_file,
                     struct paa_error *error)
{
    size_t size = (size_t)st->st_size;
    unsigned char *file;
    size_t done = 0;

    if (st->st_size <= 0 || st->st_size > LOADER_FILE_MAX)
        return refuse(error, path, "has %lld bytes, so it is no plugin (1 to %d bytes)",
                      (long long)st->st_size, LOADER_FILE_MAX);
    file = malloc(size);
    if (file == NULL)
        return refuse(error, path, "cannot be read: no memory");
    while (done < size) {
        ssize_t n = pread(fd, file + done, size - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(file);
            return refuse(error, path, "cannot be read: %s",
                          n < 0 ? strerror(errno) : "it became shorter meanwhile");
        }
        done += (size_t)n;
    }
    *ret_file = file;
    return 0;
}

/* ---- before any of it runs --------------------------------------------------------------------- */

static int find_name(struct candidate *it, const char *name)
{
    const char *base = strrchr(it->path, '/');
    struct paa_str word = paa_str_of(base != NULL ? base + 1 : it->path);

    if (name != NULL)
        word = paa_str_of(name);
    else if (word.size > 3 && memcmp(word.data + word.size - 3, ".so", 3) == 0)
        word.size -= 3;
    if (!abi_is_name(word))
        return refuse(it->error, it->path,
                      "cannot be a plugin called \"%.*s\": names are [a-z0-9-]+, and the file is "
                      "called NAME.so",
                      STR_ARGS(str_slice(word, 0, word.size < SHOWN_MAX ? word.size : SHOWN_MAX)));
    memcpy(it->name_text, word.data, word.size);
    it->name_text[word.size] = '\0';
    it->name = paa_str_of_n(it->name_text, word.size);
    abi_symbol(it->symbol, PAA_ABI_MAJOR, it->name);
    return 0;
}

static int check_digest(struct candidate *it, const char *sha256)
{
    if (digest_of(paa_bytes_of(it->file, (size_t)it->st->st_size), it->sha256) != 0)
        return refuse(it->error, it->path, "cannot be checked: SHA-256 is not available");
    if (sha256 == NULL || str_eq_nocase(paa_str_of(sha256), paa_str_of(it->sha256)))
        return 0;
    return refuse(
        it->error, it->path,
        "has the SHA-256 digest %s, not the one that the policy pins (%.64s): install the "
        "right file or correct sha256",
        it->sha256, sha256);
}

/* What it exports instead. */
static int refuse_symbols(const struct candidate *it, struct paa_str other)
{
    static const char prefix[] = "paa_plugin_";
    struct paa_str rest = str_slice(other, sizeof prefix - 1, other.size);
    size_t digits = str_find(rest, '_', 0);
    uint64_t major = 0;

    if (other.data == NULL)
        return refuse(it->error, it->path, "is no plugin: it does not export %s", it->symbol);
    if (!str_to_u64(str_slice(rest, 0, digits), UINT16_MAX, &major) || digits >= rest.size)
        return refuse(it->error, it->path, "exports %.*s, but not %s", STR_ARGS(other), it->symbol);
    if (major != PAA_ABI_MAJOR)
        return refuse(it->error, it->path,
                      "was built for PAA's plugin ABI %" PRIu64 ", but this core has ABI %u: "
                      "install the plugin's build for ABI %u",
                      major, PAA_ABI_MAJOR, PAA_ABI_MAJOR);
    return refuse(
        it->error, it->path,
        "exports %.*s, not %s: the file was renamed; give it back its own name, which its "
        "plugin carries too",
        STR_ARGS(other), it->symbol);
}

static int check_symbols(const struct candidate *it, const struct elf *elf)
{
    struct paa_str name;
    struct paa_str other = STR_NONE;
    size_t index = 0;

    if (!elf->has_symbols) /* dlsym will tell */
        return 0;
    while (elf_next_export(elf, &index, &name)) {
        if (paa_str_eq(name, it->symbol))
            return 0;
        if (str_starts(name, STR("paa_plugin_")) && name.size < ABI_SYMBOL_MAX)
            other = name;
    }
    return refuse_symbols(it, other);
}

static int check_elf(const struct candidate *it)
{
    struct elf elf;
    struct paa_str folder;
    const char *problem = elf_read(paa_bytes_of(it->file, (size_t)it->st->st_size), &elf);

    if (problem != NULL)
        return refuse(it->error, it->path, "%s", problem);
    folder = elf_foreign_folder(elf.rpath);
    if (folder.data == NULL)
        folder = elf_foreign_folder(elf.runpath);
    if (folder.data != NULL)
        return refuse(
            it->error, it->path,
            "looks for libraries in \"%.*s\" (RPATH or RUNPATH), which is no folder of the "
            "system: link it without -rpath",
            STR_ARGS(str_slice(folder, 0, folder.size < SHOWN_MAX ? folder.size : SHOWN_MAX)));
    if (elf.has_executable_stack)
        return refuse(it->error, it->path,
                      "asks for an executable stack: link it with -z noexecstack");
    return check_symbols(it, &elf);
}

/* ---- the register ------------------------------------------------------------------------------ */

static int refuse_replaced(struct paa_error *error, const char *path)
{
    return refuse(
        error, path,
        "was replaced while its earlier code is loaded, which stays in use: restart needed "
        "to run the new one");
}

/* 1: *ret_entry is this very file, opened before. 0: new. -1: another one was. */
static int find_entry(const struct candidate *it, struct entry **ret_entry)
{
    for (struct entry *entry = entries; entry != NULL; entry = entry->next) {
        const struct plugin *plugin = &entry->plugin;
        bool is_path = strcmp(entry->path, it->path) == 0;
        bool is_inode = plugin->device == it->st->st_dev && plugin->inode == it->st->st_ino;

        if (!is_path && !is_inode)
            continue;
        if (!is_inode || strcmp(plugin->sha256, it->sha256) != 0)
            return refuse_replaced(it->error, it->path);
        *ret_entry = entry;
        return 1;
    }
    return 0;
}

static struct entry *add_entry(const struct candidate *it)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL || (entry->path = strdup(it->path)) == NULL) {
        free(entry);
        (void)refuse(it->error, it->path, "cannot be loaded: no memory");
        return NULL;
    }
    entry->plugin.path = entry->path;
    entry->plugin.device = it->st->st_dev;
    entry->plugin.inode = it->st->st_ino;
    memcpy(entry->plugin.sha256, it->sha256, sizeof it->sha256);
    entry->next = entries;
    entries = entry;
    return entry;
}

/* ---- loading ----------------------------------------------------------------------------------- */

/* Is the file still, at its path and in its content, what was judged? */
static bool is_unchanged(const struct candidate *it)
{
    struct stat by_path;
    struct stat by_fd;

    return stat(it->path, &by_path) == 0 && fstat(it->fd, &by_fd) == 0 &&
           by_path.st_dev == it->st->st_dev && by_path.st_ino == it->st->st_ino &&
           by_fd.st_size == it->st->st_size && by_fd.st_mtim.tv_sec == it->st->st_mtim.tv_sec &&
           by_fd.st_mtim.tv_nsec == it->st->st_mtim.tv_nsec &&
           by_fd.st_ctim.tv_sec == it->st->st_ctim.tv_sec &&
           by_fd.st_ctim.tv_nsec == it->st->st_ctim.tv_nsec;
}

/* The inode that is mapped where a loaded library's dynamic section lies; 0: not to be found out. */
static uint64_t mapped_inode(uintptr_t address)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4096 + 256];
    uint64_t found = 0;

    while (maps != NULL && found == 0 && fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from;
        uintptr_t to;
        uint64_t inode;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64, &from, &to, &inode) ==
                3 &&
            address >= from && address < to)
            found = inode;
    }
    if (maps != NULL)
        fclose(maps);
    return found;
}

/* Somebody else in the process has loaded this path: glibc will give that code, so it must be this file's. */
static int check_foreign(const struct candidate *it)
{
    void *handle = dlopen(it->path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    struct link_map *map = NULL;
    int result = 0;

    if (handle == NULL) {
        (void)dlerror();
        return 0;
    }
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 ||
        mapped_inode((uintptr_t)map->l_ld) != (uint64_t)it->st->st_ino)
        result = refuse_replaced(it->error, it->path);
    dlclose(handle);
    return result;
}

static void *open_library(const struct candidate *it)
{
    void *handle;
    const char *why;

    if (!is_unchanged(it)) {
        (void)refuse(it->error, it->path, "was exchanged after it was checked: try again");
        return NULL;
    }
    handle = dlopen(it->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle != NULL)
        return handle;
    why = dlerror();
    (void)refuse(it->error, it->path, "cannot be loaded: %s",
                 why != NULL ? why : "no reason given");
    return NULL;
}

/* From this library itself: dlsym looks into those it depends on, too. */
static void *own_symbol(void *handle, const char *symbol)
{
    struct link_map *own = NULL;
    struct link_map *found = NULL;
    Dl_info info;
    void *address = dlsym(handle, symbol);

    if (address == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &own) != 0 ||
        dladdr1(address, &info, (void **)&found, RTLD_DL_LINKMAP) == 0)
        return NULL;
    return found == own ? address : NULL;
}

static const struct paa_plugin *ask_table(const struct candidate *it, void *handle)
{
    void *address = own_symbol(handle, it->symbol);
    const struct paa_plugin *table;
    paa_plugin_fn fn;

    if (address == NULL) {
        (void)refuse_symbols(it, STR_NONE);
        return NULL;
    }
    memcpy(&fn, &address, sizeof fn); /* ISO C has no cast from object to function pointer */
    table = fn();
    if (table == NULL)
        (void)refuse(it->error, it->path, "gives no table");
    return table;
}

/* Once opened, refused or not, the file is in the register for ever. */
static const struct plugin *load(const struct candidate *it, struct entry *entry)
{
    const struct paa_plugin *table;
    struct paa_plugin slots;
    void *handle;

    if (entry == NULL && check_foreign(it) != 0)
        return NULL;
    handle = open_library(it);
    if (handle == NULL)
        return NULL;
    if (entry == NULL)
        entry = add_entry(it);
    if (entry == NULL)
        return NULL;
    if (!is_unchanged(it)) {
        entry->plugin.inode = 0; /* what is loaded is not known: it equals no file */
        (void)refuse(it->error, it->path,
                     "was exchanged while it was being loaded: restart needed");
        return NULL;
    }
    table = ask_table(it, handle);
    if (table == NULL || abi_check(table, it->name_text, it->path, PAA_ABI, &slots, it->error) != 0)
        return NULL;
    entry->plugin.slots = slots;
    entry->plugin.table = table;
    return &entry->plugin;
}

static const struct plugin *find_or_load(const struct candidate *it)
{
    struct entry *entry = NULL;
    int found = find_entry(it, &entry);

    if (found < 0)
        return NULL;
    if (found == 0 || entry->plugin.table == NULL)
        return load(it, entry);
    if (strcmp(entry->plugin.slots.name, it->name_text) == 0)
        return &entry->plugin;
    (void)refuse(it->error, it->path, "is loaded already, as the plugin \"%s\", not \"%s\"",
                 entry->plugin.slots.name, it->name_text);
    return NULL;
}

const struct plugin *loader_load(int fd, const struct stat *st, const char *real_path,
                                 const char *name, const char *sha256, struct paa_error *error)
{
    struct candidate it = { .fd = fd, .st = st, .path = real_path, .error = error };
    const struct plugin *plugin = NULL;

    error->text[0] = '\0';
    (void)pthread_once(&once, init_once);
    if (!S_ISREG(st->st_mode)) {
        (void)refuse(error, real_path, "is not a regular file: name a shared library");
        return NULL;
    }
    if (find_name(&it, name) == 0 && read_file(fd, st, real_path, &it.file, error) == 0 &&
        check_digest(&it, sha256) == 0) {
        pthread_mutex_lock(&lock);
        /* replaced is said before all else: the new file may be of any kind */
        if (find_entry(&it, &(struct entry *){ NULL }) >= 0 && check_elf(&it) == 0)
            plugin = find_or_load(&it);
        pthread_mutex_unlock(&lock);
    }
    free(it.file);
    return plugin;
}

int loader_changed(const struct plugin *plugin, struct paa_error *error)
{
    struct stat st;
    char sha256[DIGEST_CHARS + 1] = "";
    unsigned char *file = NULL;
    bool is_same;
    int fd = open(plugin->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    error->text[0] = '\0';
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)refuse(error, plugin->path,
                     "is gone or cannot be opened (%s); its code stays in use until a restart",
                     strerror(errno));
        if (fd >= 0)
            close(fd);
        return 1;
    }
    is_same = st.st_dev == plugin->device && st.st_ino == plugin->inode &&
              read_file(fd, &st, plugin->path, &file, error) == 0 &&
              digest_of(paa_bytes_of(file, (size_t)st.st_size), sha256) == 0 &&
              strcmp(sha256, plugin->sha256) == 0;
    free(file);
    close(fd);
    if (is_same)
        return 0;
    (void)refuse_replaced(error, plugin->path);
    return 1;
}

char *loader_plugin_dir(void)
{
    static const char anchor;
    Dl_info info;
    char *real, *slash, *folder = NULL;

    if (dladdr(&anchor, &info) == 0 || info.dli_fname == NULL)
        return NULL;
    real = realpath(info.dli_fname, NULL);
    slash = real != NULL ? strrchr(real, '/') : NULL;
    if (slash != NULL && asprintf(&folder, "%.*s/paa", (int)(slash - real), real) < 0)
        folder = NULL;
    free(real);
    return folder;
}
