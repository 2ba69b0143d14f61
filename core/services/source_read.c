/* SPDX-License-Identifier: MIT */
/* source_read.h: literal, environment, file, folder, program. */
#include "source_read.h"

#include "codec.h"
#include "exec.h"
#include "secret.h"
#include "str.h"
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

enum {
    GENERATED_BYTES = 32,
    GENERATED_CHARS = BASE64URL_SIZE(GENERATED_BYTES),
    TEMPORARY_BYTES = 8, /* of chance in the name of the file that becomes it */
    FOLDER_NAMES_MAX = 4096
};

PAA_PRINTF(2, 3) static int refuse(struct paa_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

const char *source_place(const struct source_spec *spec)
{
    switch (spec->kind) {
    case SOURCE_ENV:
    case SOURCE_FILE:
    case SOURCE_FOLDER:
        return spec->text.data;
    case SOURCE_EXEC:
        return spec->argv[0];
    default:
        return "the value in the policy";
    }
}

/* ---- bytes ------------------------------------------------------------------------------------- */

static void part_free(struct source_part *part, bool is_secret)
{
    if (is_secret)
        secret_free(part->data, part->room);
    else
        free(part->data);
}

void source_bytes_free(struct source_bytes *bytes)
{
    if (bytes == NULL)
        return;
    for (size_t i = 0; i < bytes->count; i++)
        part_free(&bytes->parts[i], bytes->is_secret);
    free(bytes->parts);
    if (bytes->object != NULL)
        bytes->free_fn(bytes->object);
    free(bytes);
}

bool source_bytes_equal(const struct source_bytes *a, const struct source_bytes *b)
{
    if (a == NULL || b == NULL || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!secret_eq(paa_bytes_of(a->parts[i].data, a->parts[i].size),
                       paa_bytes_of(b->parts[i].data, b->parts[i].size)))
            return false;
    return true;
}

static int part_alloc(struct source_part *part, size_t room, bool is_secret,
                      struct paa_error *error)
{
    part->room = room > 0 ? room : 1;
    part->size = 0;
    part->data = is_secret ? secret_alloc(part->room) : malloc(part->room);
    return part->data != NULL ? 0 : refuse(error, "no memory to read it");
}

/* A secret ends before its last newline, as editors and `echo` write one. */
static void trim_newline(struct source_part *part)
{
    if (part->size > 0 && part->data[part->size - 1] == '\n')
        part->size--;
    else
        return;
    if (part->size > 0 && part->data[part->size - 1] == '\r')
        part->size--;
}

/* Takes the part over in any case. flags: the spec's. */
static int bytes_add(struct source_bytes *bytes, struct source_part *part, uint32_t flags,
                     const char *place, struct paa_error *error)
{
    struct source_part *grown;

    if ((flags & (SOURCE_SECRET | SOURCE_EXACT)) == SOURCE_SECRET)
        trim_newline(part);
    if (bytes->is_secret && part->size == 0) {
        (void)refuse(error, "%s is empty: a secret needs at least one byte", place);
    } else if (bytes->count >= SOURCE_PARTS_MAX || part->size > SOURCE_BYTES_MAX - bytes->total) {
        (void)refuse(error, "%s: more than %d parts or %d bytes", place, SOURCE_PARTS_MAX,
                     SOURCE_BYTES_MAX);
    } else {
        grown = realloc(bytes->parts, (bytes->count + 1) * sizeof *grown);
        if (grown != NULL) {
            bytes->parts = grown;
            bytes->parts[bytes->count++] = *part;
            bytes->total += part->size;
            return 0;
        }
        (void)refuse(error, "no memory to read it");
    }
    part_free(part, bytes->is_secret);
    return -1;
}

static int bytes_copy(struct source_bytes *bytes, struct paa_str text, uint32_t flags,
                      const char *place, struct paa_error *error)
{
    struct source_part part;

    if (bytes->is_secret && text.size > SOURCE_SECRET_MAX)
        return refuse(error, "%s is longer than %d bytes", place, SOURCE_SECRET_MAX);
    if (part_alloc(&part, text.size, bytes->is_secret, error) != 0)
        return -1;
    if (text.size > 0)
        memcpy(part.data, text.data, text.size);
    part.size = text.size;
    return bytes_add(bytes, &part, flags, place, error);
}

/* ---- files ------------------------------------------------------------------------------------- */

static int read_whole(int fd, struct source_part *part, const char *path, struct paa_error *error)
{
    while (part->size < part->room) {
        ssize_t n = read(fd, part->data + part->size, part->room - part->size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(error, "%s cannot be read: %s", path, strerror(errno));
        if (n == 0)
            break;
        part->size += (size_t)n;
    }
    return 0;
}

/* Was it written while it was read? Then it may be half of one and half of the other. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int read_opened(struct source_bytes *bytes, int fd, const struct stat *st, uint32_t flags,
                       const char *path, struct paa_error *error)
{
    size_t max = bytes->is_secret ? (size_t)SOURCE_SECRET_MAX : (size_t)FILE_MAX;
    struct source_part part;
    struct stat after;

    if ((uint64_t)st->st_size > max)
        return refuse(error, "%s is larger than %zu bytes", path, max);
    if (part_alloc(&part, (size_t)st->st_size + 1, bytes->is_secret, error) != 0)
        return -1;
    if (read_whole(fd, &part, path, error) != 0) {
        part_free(&part, bytes->is_secret);
        return -1;
    }
    if (fstat(fd, &after) != 0 || !is_same(st, &after) || part.size != (size_t)st->st_size) {
        part_free(&part, bytes->is_secret);
        return refuse(error, "%s changed while it was read: it is read again when that is over",
                      path);
    }
    if ((st->st_mode & S_IROTH) != 0 && (flags & SOURCE_SECRET) != 0)
        bytes->is_exposed = true;
    return bytes_add(bytes, &part, flags, path, error);
}

static int read_file(struct source_bytes *bytes, const char *path, uint32_t flags,
                     struct paa_error *error)
{
    struct stat st;
    int fd = trust_open(path, 0, &st, NULL, error);
    int result;

    if (fd < 0)
        return -1;
    if ((flags & SOURCE_PRIVATE) != 0 && (st.st_mode & S_IROTH) != 0)
        result =
            refuse(error, "%s can be read by every user of this machine: chmod o-r %s", path, path);
    else
        result = read_opened(bytes, fd, &st, flags, path, error);
    close(fd);
    return result;
}

/* Hidden ones are left out: Kubernetes' ..data, editors' files; so are folders. */
static int is_listed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_entry(struct source_bytes *bytes, const char *folder, const char *name,
                      uint32_t flags, struct paa_error *error)
{
    char path[PATH_MAX];
    struct stat st;
    int written = snprintf(path, sizeof path, "%s/%s", folder, name);

    if (written < 0 || written >= (int)sizeof path)
        return refuse(error, "%s/%s: the path is too long", folder, name);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return read_file(bytes, path, flags, error);
}

static int read_folder(struct source_bytes *bytes, const char *path, uint32_t flags,
                       struct paa_error *error)
{
    struct dirent **entries = NULL;
    struct stat st;
    int result = 0;
    int count;
    int fd = trust_open(path, TRUST_FOLDER, &st, NULL, error);

    if (fd < 0)
        return -1;
    count = scandirat(fd, ".", &entries, is_listed, by_bytes);
    close(fd);
    if (count < 0)
        return refuse(error, "%s cannot be listed: %s", path, strerror(errno));
    if (count > FOLDER_NAMES_MAX)
        result = refuse(error, "%s holds more than %d files", path, FOLDER_NAMES_MAX);
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = read_entry(bytes, path, entries[i]->d_name, flags, error);
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* ---- a file that is made ----------------------------------------------------------------------- */

static int write_new(int folder, const char *name, const char *text, size_t size)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result = -1;

    if (fd < 0)
        return -1;
    if (fchmod(fd, 0600) == 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0)
        result = 0;
    if (close(fd) != 0)
        result = -1;
    if (result != 0)
        (void)unlinkat(folder, name, 0);
    return result;
}

/* Written aside and linked, so that nobody reads half of it and the first of two makers wins. */
static int make_in(int folder, const char *base, const struct chance *chance)
{
    unsigned char random[GENERATED_BYTES + TEMPORARY_BYTES];
    char text[GENERATED_CHARS + 1];
    char temporary[sizeof ".paa-" + 2 * TEMPORARY_BYTES] = ".paa-";
    int result = -1;

    if (chance_fill(chance, random, sizeof random) != 0) {
        errno = EIO;
        return -1;
    }
    base64url_encode(paa_bytes_of(random, GENERATED_BYTES), text);
    text[GENERATED_CHARS] = '\n';
    hex_encode(paa_bytes_of(random + GENERATED_BYTES, TEMPORARY_BYTES),
               temporary + sizeof ".paa-" - 1);
    temporary[sizeof temporary - 1] = '\0';
    if (write_new(folder, temporary, text, sizeof text) == 0) {
        if (linkat(folder, temporary, folder, base, 0) == 0 || errno == EEXIST)
            result = fsync(folder);
        (void)unlinkat(folder, temporary, 0);
    }
    secret_wipe(random, sizeof random);
    secret_wipe(text, sizeof text);
    return result;
}

static int make_file(const char *path, const struct chance *chance, struct paa_error *error)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    char *folder;
    int fd;
    int result;

    if (slash == NULL || slash[1] == '\0')
        return refuse(error, "%s cannot be made: name an absolute path of a file", path);
    folder = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    if (folder == NULL)
        return refuse(error, "no memory to make %s", path);
    fd = trust_open(folder, TRUST_FOLDER, &st, NULL, error);
    free(folder);
    if (fd < 0)
        return -1;
    result = make_in(fd, slash + 1, chance);
    if (result != 0)
        (void)refuse(error, "%s cannot be made: %s", path, strerror(errno));
    close(fd);
    return result;
}

static bool is_missing(const char *path)
{
    struct stat st;

    return lstat(path, &st) != 0 && errno == ENOENT;
}

/* ---- specs ------------------------------------------------------------------------------------- */

/* 1: not to be found out (an empty sentence). */
static int read_path(struct source_bytes *bytes, const struct source_spec *spec,
                     const struct chance *chance, struct paa_error *error)
{
    const char *path = spec->text.data;
    struct stat st;

    if ((spec->flags & SOURCE_GENERATE) != 0 && is_missing(path)) {
        if ((spec->flags & SOURCE_NO_EXEC) != 0)
            return 1;
        if (make_file(path, chance, error) != 0)
            return -1;
    }
    /* a PATH option may name either; trust_open judges what it opens, whatever stat said */
    if (spec->kind == SOURCE_FOLDER ||
        ((spec->flags & SOURCE_SECRET) == 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return read_folder(bytes, path, spec->flags, error);
    return read_file(bytes, path, spec->flags, error);
}

static int read_environment(struct source_bytes *bytes, const char *name, uint32_t flags,
                            struct paa_error *error)
{
    const char *value;

    if (getauxval(AT_SECURE) != 0)
        return refuse(error,
                      "env:%s: a process with raised rights does not believe its environment: "
                      "use file:",
                      name);
    value = secure_getenv(name);
    if (value == NULL)
        return refuse(error, "the environment variable %s is not set", name);
    return bytes_copy(bytes, paa_str_of(value), flags, name, error);
}

static int read_program(struct source_bytes *bytes, const struct source_spec *spec,
                        struct paa_error *error)
{
    char *argv[EXEC_ARGS_MAX + 1];
    struct source_part part = { NULL, 0, EXEC_OUTPUT_MAX };
    size_t count = 0;
    int result;

    if ((spec->flags & SOURCE_NO_EXEC) != 0)
        return 1;
    while (spec->argv[count] != NULL && count < EXEC_ARGS_MAX) {
        argv[count] = strdup(spec->argv[count]);
        if (argv[count] == NULL)
            break;
        count++;
    }
    result = spec->argv[count] == NULL ? 0
             : count == EXEC_ARGS_MAX
                 ? refuse(error, "%s: more than %d arguments", spec->argv[0], EXEC_ARGS_MAX)
                 : refuse(error, "no memory to run a program");
    argv[count] = NULL;
    if (result == 0)
        result = exec_output(argv, &part.data, &part.size, error);
    while (count > 0)
        free(argv[--count]);
    if (result != 0)
        return -1;
    if (bytes->is_secret)
        return bytes_add(bytes, &part, spec->flags, spec->argv[0], error);
    result =
        bytes_copy(bytes, paa_str_of_n(part.data, part.size), spec->flags, spec->argv[0], error);
    secret_free(part.data, part.room);
    return result;
}

static int read_spec(struct source_bytes *bytes, const struct source_spec *spec,
                     const struct chance *chance, struct paa_error *error)
{
    switch (spec->kind) {
    case SOURCE_LITERAL:
        return bytes_copy(bytes, spec->text, spec->flags, source_place(spec), error);
    case SOURCE_ENV:
        return read_environment(bytes, spec->text.data, spec->flags, error);
    case SOURCE_FILE:
    case SOURCE_FOLDER:
        return read_path(bytes, spec, chance, error);
    case SOURCE_EXEC:
        return read_program(bytes, spec, error);
    default:
        return refuse(error, "an unknown kind of source (%d)", (int)spec->kind);
    }
}

struct source_bytes *source_read(const struct source_spec *specs, size_t count,
                                 const struct chance *chance, struct paa_error *error)
{
    struct source_bytes *bytes = calloc(1, sizeof *bytes);
    int result = 0;

    error->text[0] = '\0';
    if (bytes == NULL) {
        (void)refuse(error, "no memory to read it");
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        bytes->is_secret = bytes->is_secret || (specs[i].flags & SOURCE_SECRET) != 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = read_spec(bytes, &specs[i], chance, error);
    if (result == 0)
        return bytes;
    source_bytes_free(bytes);
    return NULL;
}
