/* SPDX-License-Identifier: MIT */
/*
 * trust.h's walk and its judge. The walk opens one path part after the other and follows symbolic links
 * itself; the judge is pure. Knows nothing of what the file is for.
 */
#include "trust.h"

#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

enum {
    TRUST_LINKS_MAX = 40, /* as the kernel's */
    SHOWN_MAX = 150       /* of a path in a sentence: its end, which tells most */
};

struct walk {
    char real[PATH_MAX]; /* where `folder` is; "" for "/" */
    char rest[PATH_MAX]; /* what is still to go */
    int folder;          /* O_PATH */
    unsigned links;
    struct trust_who who;
    struct paa_error *error;
};

PAA_PRINTF(2, 3) static int refuse(struct paa_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

/* Both for "%s%s": dots if it was cut, and the end of the path. */
static const char *shown_dots(const char *path)
{
    return strlen(path) > SHOWN_MAX ? "..." : "";
}

static const char *shown(const char *path)
{
    size_t size = strlen(path);

    return size > SHOWN_MAX ? path + size - SHOWN_MAX : path;
}

#define SHOWN(path) shown_dots(path), shown(path)

struct trust_who trust_who(void)
{
    struct trust_who who = { .uid = geteuid() };

    who.root_only = who.uid == 0 || getauxval(AT_SECURE) != 0;
    return who;
}

/* ---- the judge --------------------------------------------------------------------------------- */

static int judge_type(const struct stat *st, const char *path, enum trust_role role, uint32_t flags,
                      struct paa_error *error)
{
    if (role == TRUST_LINK)
        return 0;
    if (role == TRUST_PARENT && !S_ISDIR(st->st_mode))
        return refuse(error, "%s%s is not a folder, but the path goes on below it", SHOWN(path));
    if (role == TRUST_LEAF && (flags & TRUST_FOLDER) != 0 && !S_ISDIR(st->st_mode))
        return refuse(error, "%s%s is not a folder: name the folder itself", SHOWN(path));
    if (role == TRUST_LEAF && (flags & TRUST_FOLDER) == 0 && !S_ISREG(st->st_mode))
        return refuse(error, "%s%s is not a regular file: name a plain file", SHOWN(path));
    return 0;
}

static int judge_owner(const struct stat *st, const char *path, struct trust_who who,
                       struct paa_error *error)
{
    if (st->st_uid == 0 || (!who.root_only && st->st_uid == who.uid))
        return 0;
    if (who.root_only)
        return refuse(
            error,
            "%s%s belongs to user %lu, but only root may own what a process with root's or "
            "raised rights relies on: chown -h root %s%s",
            SHOWN(path), (unsigned long)st->st_uid, SHOWN(path));
    return refuse(error,
                  "%s%s belongs to user %lu, but only root or user %lu may own it: "
                  "chown -h %lu %s%s",
                  SHOWN(path), (unsigned long)st->st_uid, (unsigned long)who.uid,
                  (unsigned long)who.uid, SHOWN(path));
}

/* Whoever may write a folder may exchange what is in it, unless the folder is sticky: then only the owner of
 * the entry may, and entries are judged themselves. */
static int judge_mode(const struct stat *st, const char *path, enum trust_role role, uint32_t flags,
                      struct paa_error *error)
{
    unsigned mode = (unsigned)st->st_mode & 07777u;
    bool is_sticky = S_ISDIR(st->st_mode) && (mode & S_ISVTX) != 0;

    if (role == TRUST_LINK) /* a link has no mode of its own */
        return 0;
    if ((mode & 022u) != 0 && !is_sticky)
        return refuse(error, "%s%s is writable by %s (mode %04o): chmod go-w %s%s", SHOWN(path),
                      (mode & 02u) != 0 ? "everybody" : "its group", mode, SHOWN(path));
    if (role == TRUST_PARENT)
        return 0;
    if ((flags & TRUST_PRIVATE) != 0 && (mode & 044u) != 0)
        return refuse(error, "%s%s is readable by %s (mode %04o): chmod go-r %s%s", SHOWN(path),
                      (mode & 04u) != 0 ? "everybody" : "its group", mode, SHOWN(path));
    if ((flags & TRUST_EXECUTABLE) != 0 && (mode & 0111u) == 0)
        return refuse(error, "%s%s is not executable (mode %04o): chmod u+x %s%s", SHOWN(path),
                      mode, SHOWN(path));
    return 0;
}

int trust_judge(const struct stat *st, const char *path, enum trust_role role, uint32_t flags,
                struct trust_who who, struct paa_error *error)
{
    if (judge_type(st, path, role, flags, error) != 0 || judge_owner(st, path, who, error) != 0)
        return -1;
    return judge_mode(st, path, role, flags, error);
}

/* ---- the walk ---------------------------------------------------------------------------------- */

/* Takes the first part of rest; false: nothing is left. */
static bool take_part(struct walk *walk, char *ret_part)
{
    const char *begin = walk->rest + strspn(walk->rest, "/");
    size_t size = strcspn(begin, "/");

    memcpy(ret_part, begin, size);
    ret_part[size] = '\0';
    memmove(walk->rest, begin + size, strlen(begin + size) + 1);
    return size > 0;
}

static bool is_last(const struct walk *walk)
{
    return walk->rest[strspn(walk->rest, "/")] == '\0';
}

static int too_long(struct walk *walk)
{
    errno = ENAMETOOLONG;
    return refuse(walk->error, "%s%s...: the path is too long or has too many symbolic links",
                  SHOWN(walk->real));
}

static int cannot(struct walk *walk, const char *path)
{
    int saved = errno;

    if (saved == ENOENT)
        (void)refuse(walk->error, "%s%s does not exist", SHOWN(path));
    else
        (void)refuse(walk->error, "%s%s cannot be opened: %s", SHOWN(path), strerror(saved));
    errno = saved;
    return -1;
}

/* real + "/" + part. */
static int join(struct walk *walk, const char *part, char ret_path[PATH_MAX])
{
    int size = snprintf(ret_path, PATH_MAX, "%s/%s", walk->real, part);

    return size > 0 && size < PATH_MAX ? 0 : too_long(walk);
}

static void walk_step_into(struct walk *walk, int folder)
{
    if (walk->folder >= 0)
        close(walk->folder);
    walk->folder = folder;
}

/* The folder that walk->folder became: judged, and its name is in `path`. */
static int walk_enter(struct walk *walk, int fd, const struct stat *st, const char *path)
{
    if (trust_judge(st, path, TRUST_PARENT, 0, walk->who, walk->error) != 0) {
        close(fd);
        return -1;
    }
    walk_step_into(walk, fd);
    if (path != walk->real)
        (void)snprintf(walk->real, sizeof walk->real, "%s", strcmp(path, "/") == 0 ? "" : path);
    return 0;
}

static int walk_root(struct walk *walk)
{
    struct stat st;
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0)
        return cannot(walk, "/");
    return walk_enter(walk, fd, &st, "/");
}

static int walk_up(struct walk *walk)
{
    char *slash = strrchr(walk->real, '/');
    struct stat st;
    int fd = openat(walk->folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0)
        return cannot(walk, walk->real);
    if (slash != NULL)
        *slash = '\0';
    return walk_enter(walk, fd, &st, walk->real[0] != '\0' ? walk->real : "/");
}

/* Puts what the link says in front of the rest. */
static int walk_link(struct walk *walk, int link_fd, const struct stat *st, const char *path)
{
    char target[PATH_MAX];
    char rest[PATH_MAX];
    ssize_t size;
    int written;

    if (trust_judge(st, path, TRUST_LINK, 0, walk->who, walk->error) != 0)
        return -1;
    size = readlinkat(link_fd, "", target, sizeof target - 1);
    if (size < 0)
        return cannot(walk, path);
    target[size] = '\0';
    written = snprintf(rest, sizeof rest, "%s/%s", target, walk->rest);
    if (++walk->links > TRUST_LINKS_MAX || written < 0 || written >= (int)sizeof rest)
        return too_long(walk);
    /* without the slash that a last link would gain: it would ask for a folder */
    if (is_last(walk))
        rest[size] = '\0';
    memcpy(walk->rest, rest, strlen(rest) + 1);
    return target[0] == '/' ? walk_root(walk) : 0;
}

/* Opens the leaf for reading, only now that it is known what it is: opening a device has effects. */
static int walk_open_leaf(struct walk *walk, const char *part, const char *path, uint32_t flags,
                          const struct stat *judged)
{
    int mode = (flags & TRUST_FOLDER) != 0 ? O_DIRECTORY : 0;
    int fd = openat(walk->folder, part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | mode);
    struct stat st;

    if (fd < 0)
        return cannot(walk, path);
    if (fstat(fd, &st) == 0 && st.st_dev == judged->st_dev && st.st_ino == judged->st_ino)
        return fd;
    close(fd);
    errno = EAGAIN;
    return refuse(walk->error, "%s%s was exchanged while it was being opened: try again",
                  SHOWN(path));
}

static int walk_leaf(struct walk *walk, const char *part, const char *path, uint32_t flags,
                     struct stat *st)
{
    if (trust_judge(st, path, TRUST_LEAF, flags, walk->who, walk->error) != 0) {
        errno = EPERM;
        return -1;
    }
    if ((flags & TRUST_EXECUTABLE) != 0 && faccessat(walk->folder, part, X_OK, AT_EACCESS) != 0)
        return refuse(walk->error, "%s%s may not be executed by this user: %s", SHOWN(path),
                      strerror(errno));
    return walk_open_leaf(walk, part, path, flags, st);
}

/* Goes on by one part. 0: go on; 1: *ret_fd is the opened leaf; -1. */
static int walk_part(struct walk *walk, const char *part, uint32_t flags, struct stat *ret_stat,
                     int *ret_fd)
{
    char path[PATH_MAX];
    int fd;
    int result = -1;

    if (strcmp(part, ".") == 0)
        return 0;
    if (strcmp(part, "..") == 0)
        return walk_up(walk);
    if (join(walk, part, path) != 0)
        return -1;
    fd = openat(walk->folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cannot(walk, path);
    if (fstat(fd, ret_stat) != 0) {
        (void)cannot(walk, path);
    } else if (S_ISLNK(ret_stat->st_mode)) {
        result = walk_link(walk, fd, ret_stat, path);
    } else if (walk->rest[0] == '\0') {
        *ret_fd = walk_leaf(walk, part, path, flags, ret_stat);
        memcpy(walk->real, path, strlen(path) + 1);
        result = *ret_fd >= 0 ? 1 : -1;
    } else {
        return walk_enter(walk, fd, ret_stat, path);
    }
    close(fd);
    return result;
}

/* The path ended in "/", "." or "..": where the walk stands is what was meant. */
static int walk_here(struct walk *walk, uint32_t flags, struct stat *ret_stat)
{
    const char *path = walk->real[0] != '\0' ? walk->real : "/";

    if (fstat(walk->folder, ret_stat) != 0)
        return cannot(walk, path);
    return walk_leaf(walk, ".", path, flags, ret_stat);
}

static int walk_begin(struct walk *walk, const char *path)
{
    char here[PATH_MAX] = "";
    int written;

    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return cannot(walk, ".");
    written = snprintf(walk->rest, sizeof walk->rest, "%s/%s", here, path);
    if (written < 0 || written >= (int)sizeof walk->rest)
        return too_long(walk);
    return walk_root(walk);
}

static int walk_all(struct walk *walk, const char *path, uint32_t flags, struct stat *ret_stat)
{
    char part[PATH_MAX];
    int fd = -1;
    int result = walk_begin(walk, path);

    while (result == 0) {
        if (!take_part(walk, part))
            return walk_here(walk, flags, ret_stat);
        result = walk_part(walk, part, flags, ret_stat, &fd);
    }
    return fd;
}

int trust_open(const char *path, uint32_t flags, struct stat *ret_stat, char **ret_real,
               struct paa_error *error)
{
    struct walk walk = { .folder = -1, .error = error };
    struct stat st;
    char *real = NULL;
    int fd = -1;
    int saved;

    error->text[0] = '\0';
    if (path[0] == '\0') {
        errno = ENOENT;
        return refuse(error, "the path is empty: name a file");
    }
    walk.who = trust_who();
    errno = 0;
    fd = walk_all(&walk, path, flags, &st);
    saved = errno;
    if (fd >= 0 && ret_real != NULL) {
        real = strdup(walk.real[0] != '\0' ? walk.real : "/");
        if (real == NULL) {
            close(fd);
            fd = refuse(error, "no memory");
            saved = ENOMEM;
        }
    }
    if (walk.folder >= 0)
        close(walk.folder);
    if (fd >= 0) {
        *ret_stat = st;
        if (ret_real != NULL)
            *ret_real = real;
    }
    errno = saved;
    return fd;
}

/* ---- reading ----------------------------------------------------------------------------------- */

int trust_code(const char *path, struct paa_error *error)
{
    struct stat st;
    int fd = trust_open(path, 0, &st, NULL, error);

    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

/* At most max bytes and one more, which tells that there are more. */
static ssize_t read_up_to(int fd, char *data, size_t max)
{
    size_t size = 0;

    while (size <= max) {
        ssize_t n = read(fd, data + size, max + 1 - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        size += (size_t)n;
    }
    return (ssize_t)size;
}

int trust_read(const char *path, uint32_t flags, size_t max, char **ret_data, size_t *ret_size,
               struct paa_error *error)
{
    struct stat st;
    char *data = NULL;
    size_t room = 0;
    ssize_t size;
    int result = -1;
    int fd = trust_open(path, flags, &st, NULL, error);

    if (fd < 0)
        return -1;
    room = (uint64_t)st.st_size < max ? (size_t)st.st_size : max;
    data = malloc(room + 2);
    if (data == NULL) {
        (void)refuse(error, "%s%s: no memory to read it", SHOWN(path));
        goto done;
    }
    size = read_up_to(fd, data, room);
    if (size < 0)
        (void)refuse(error, "%s%s cannot be read: %s", SHOWN(path), strerror(errno));
    else if ((size_t)size > room && room == max)
        (void)refuse(error, "%s%s is larger than %zu bytes", SHOWN(path), max);
    else if ((size_t)size > room)
        (void)refuse(error, "%s%s grew while it was read: try again", SHOWN(path));
    else
        result = 0;
    if (result == 0) {
        data[size] = '\0';
        *ret_data = data;
        *ret_size = (size_t)size;
        data = NULL;
    }
done:
    if (data != NULL)
        secret_wipe(data, room + 2);
    free(data);
    close(fd);
    return result;
}
