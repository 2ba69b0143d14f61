/* SPDX-License-Identifier: MIT */
/*
 * Opens a store's files and judges them: owner, mode, folders, kind of file system. On the store's thread, with
 * disk_lock. No descriptor of the database may be closed while a connection is open in this process: POSIX
 * locks are dropped by any close. So it is judged before SQLite opens it, by path afterwards, and a second
 * name of the same file is refused.
 */
#include "store_disk.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { FS_NFS = 0x6969, FS_SMB = 0x517b };

#define FS_CIFS 0xff534d42u
#define FS_SMB2 0xfe534d42u
#define FS_FUSE 0x65735546u

PAA_PRINTF(2, 3)
static enum disk_state unusable(struct paa_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return DISK_UNUSABLE;
}

/* Locks of network file systems do not hold what SQLite and the mapped word need. */
static enum disk_state judge_file_system(struct store *store, int fd, struct paa_error *error)
{
    struct statfs fs;
    unsigned long type;

    if (fstatfs(fd, &fs) != 0)
        return unusable(error, "%s: its file system cannot be examined: %s", store->path,
                        strerror(errno));
    type = (unsigned long)fs.f_type & 0xffffffffu;
    if (type == FS_NFS || type == FS_SMB || type == FS_CIFS || type == FS_SMB2)
        return unusable(error, "%s lies on a network file system: stores need a local disk",
                        store->path);
    if (type == FS_FUSE)
        store_log(store, PAA_LEVEL_WARNING,
                  "%s lies on a FUSE file system: several machines must not share it", store->path);
    return DISK_OPENED;
}

static enum disk_state make_file(const char *path, struct paa_error *error)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    struct stat status;
    int fd;

    if (slash == NULL) {
        free(folder);
        return unusable(error, "%s is no absolute path", path);
    }
    slash[slash == folder ? 1 : 0] = '\0';
    fd = trust_open(folder, TRUST_FOLDER, &status, NULL, error);
    free(folder);
    if (fd < 0)
        return DISK_UNUSABLE;
    close(fd);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno != EEXIST)
        return unusable(error, "%s cannot be made: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd); /* no connection is open yet */
    return DISK_OPENED;
}

/* With the file open for a moment. */
static enum disk_state judge(struct store *store, int fd, const struct stat *status,
                             const char *real, struct paa_error *error)
{
    if (strcmp(real, store->path) != 0)
        return unusable(error, "%s leads to %s now: reload the policy", store->path, real);
    if (status->st_nlink != 1)
        return unusable(error,
                        "%s has a second name (hard link): SQLite's files beside it would part,"
                        " remove one",
                        store->path);
    return judge_file_system(store, fd, error);
}

static enum disk_state open_judged(struct store *store, bool create, struct stat *ret_status,
                                   struct paa_error *error)
{
    char *real = NULL;
    enum disk_state state;
    int fd = trust_open(store->path, TRUST_OWNER_ONLY, ret_status, &real, error);

    if (fd < 0 && access(store->path, F_OK) != 0 && errno == ENOENT) {
        if (!create)
            return DISK_MISSING;
        state = make_file(store->path, error);
        if (state != DISK_OPENED)
            return state;
        fd = trust_open(store->path, TRUST_OWNER_ONLY, ret_status, &real, error);
    }
    if (fd < 0)
        return DISK_UNUSABLE;
    state = judge(store, fd, ret_status, real, error);
    close(fd);
    free(real);
    return state;
}

/* Another file than the image was made of: all that is known of it goes. */
static void forget_image(struct store *store)
{
    store->seen = 0;
    store->whole = false;
    store->no_image = image_reset(&store->image) != 0;
    watch_tell_all(store);
    pthread_mutex_lock(&store->lock);
    for (struct store_table *table = store->tables; table != NULL; table = table->next)
        atomic_store(&table->id, 0);
    pthread_mutex_unlock(&store->lock);
}

static bool read_salt(struct store *store, struct paa_error *error)
{
    struct disk_meta meta;

    if (disk_meta_read(store->disk, &meta) != DISK_OK) {
        (void)unusable(error, "%s cannot be read (%s)", store->path, disk_error(store->disk));
        return false;
    }
    memcpy(store->salt, meta.salt, sizeof store->salt);
    store->ring_bound = false;
    return true;
}

static bool may_write(const struct store *store)
{
    return faccessat(AT_FDCWD, store->path, W_OK, AT_EACCESS) == 0;
}

void disk_want_writable(struct store *store)
{
    if (store->disk != NULL && !store->writable && may_write(store))
        disk_leave(store, false);
}

static enum disk_state open_files(struct store *store, bool create, const struct stat *status,
                                  struct paa_error *error)
{
    struct stat now;
    bool writable = may_write(store);
    struct paa_error word_error = { "" };
    enum disk_result result = DISK_FAILED;

    store->disk = disk_open(store->path, writable, create, &result, error);
    if (result == DISK_NONE)
        return DISK_EMPTY;
    if (store->disk == NULL && writable &&
        result != DISK_BUSY) { /* perhaps the folder is read-only */
        writable = false;
        store->disk = disk_open(store->path, false, false, &result, &word_error);
    }
    if (store->disk == NULL)
        return DISK_UNUSABLE;
    if (stat(store->path, &now) != 0 || now.st_dev != status->st_dev ||
        now.st_ino != status->st_ino)
        return unusable(error, "%s was replaced while it was opened", store->path);
    store->writable = writable;
    if (!read_salt(store, error))
        return DISK_UNUSABLE;
    if (store_word_is_current(&store->word, store->path) && store->word.writable == writable)
        return DISK_OPENED; /* closing its descriptor would give up keys that operations hold */
    if (store_word_open(&store->word, store->path, &now, writable, &word_error) != 0) {
        store_word_close(&store->word);
        if (writable)
            return unusable(error, "%s", word_error.text);
        store_log(store, PAA_LEVEL_WARNING, "%s; each look-up goes to the file until then",
                  word_error.text);
    }
    return DISK_OPENED;
}

enum disk_state disk_ready(struct store *store, bool create, struct paa_error *error)
{
    struct stat status;
    enum disk_state state;

    if (store->disk != NULL)
        return DISK_OPENED;
    state = open_judged(store, create, &status, error);
    if (state != DISK_OPENED)
        return state;
    if (store_inode_taken(store, status.st_dev, status.st_ino))
        return unusable(error, "%s is open in this process under another name", store->path);
    if (status.st_dev != store->device || status.st_ino != store->inode)
        forget_image(store);
    store->device = status.st_dev;
    store->inode = status.st_ino;
    state = open_files(store, create, &status, error);
    if (state != DISK_OPENED)
        disk_leave(store, false);
    return state;
}

void disk_leave(struct store *store, bool checkpoint)
{
    disk_close(store->disk, checkpoint);
    store->disk = NULL;
    store_inode_leave(store);
}

void disk_failed(struct store *store, enum disk_result result, struct paa_error *error)
{
    const char *what = result == DISK_CORRUPT  ? "is damaged: put back a copy"
                       : result == DISK_FULL   ? "cannot grow: the disk is full"
                       : result == DISK_BUSY   ? "is locked by another process"
                       : result == DISK_DENIED ? "cannot be written by this user"
                                               : "cannot be read or written";

    unusable(error, "%s %s (%s)", store->path, what, disk_error(store->disk));
    if (result == DISK_BUSY || result == DISK_FULL || result == DISK_DENIED)
        return;
    store_log(store, PAA_LEVEL_ERROR, "%s", error->text);
    if (result == DISK_CORRUPT)
        forget_image(store);
    disk_leave(store, false);
}

void disk_look(struct store *store)
{
    struct stat now;
    bool same;

    if (store->disk == NULL)
        return;
    same = stat(store->path, &now) == 0 && now.st_dev == store->device &&
           now.st_ino == store->inode && now.st_size > 0;
    if (same && (store->word.fd < 0 || store_word_is_current(&store->word, store->path)))
        return;
    store_log(store, PAA_LEVEL_WARNING, "%s or its .gen was replaced or removed: opening it anew",
              store->path);
    if (!same)
        forget_image(store);
    store_word_close(&store->word);
    disk_leave(store, false);
}
