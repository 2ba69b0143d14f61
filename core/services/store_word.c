/* SPDX-License-Identifier: MIT */
/* See store_word.h, which also says why this is right. */
#include "store_word.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORD_PAGE = 4096 };

#define WORD_ASK 1u

/* Anonymous memory in place of the file: nobody else sees it, and it is odd. */
static int page_anonymous(struct store_word *word)
{
    int fixed = word->page != NULL ? MAP_FIXED : 0;
    void *page = mmap(word->page, WORD_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);

    if (page == MAP_FAILED)
        return -1;
    word->page = page;
    word->at = page;
    atomic_store(word->at, WORD_ASK);
    return 0;
}

int store_word_init(struct store_word *word)
{
    word->page = NULL;
    word->at = NULL;
    word->fd = -1;
    word->writable = false;
    return page_anonymous(word);
}

void store_word_free(struct store_word *word)
{
    if (word->fd >= 0)
        close(word->fd);
    if (word->page != NULL)
        munmap(word->page, WORD_PAGE);
    word->page = NULL;
    word->at = NULL;
    word->fd = -1;
}

void store_word_close(struct store_word *word)
{
    if (word->fd >= 0)
        close(word->fd);
    word->fd = -1;
    word->writable = false;
    /* A reader between map and store reads 0: commits count from 1, so no image claims that. */
    (void)page_anonymous(word);
}

static char *word_path(const char *database)
{
    char *path = NULL;

    return asprintf(&path, "%s.gen", database) >= 0 ? path : NULL;
}

/* Owner and mode of the database, as SQLite gives them to PATH-wal: best effort, for who may. */
static void word_adopt(int fd, const struct stat *file, const struct stat *database)
{
    if (file->st_uid != database->st_uid || file->st_gid != database->st_gid) {
        if (fchown(fd, database->st_uid, database->st_gid) != 0)
            return;
    }
    if ((file->st_mode & 07777) != (database->st_mode & 0666))
        (void)fchmod(fd, database->st_mode & 0666);
}

/* What must hold of the opened file. */
static const char *word_judge(const struct stat *file, const struct stat *database)
{
    if (!S_ISREG(file->st_mode))
        return "is no regular file";
    if (file->st_uid != database->st_uid && file->st_uid != 0 && file->st_uid != geteuid())
        return "belongs to another user than the store";
    if ((file->st_mode & 0022 & ~database->st_mode) != 0)
        return "is writable by more users than the store";
    if (file->st_size < (off_t)sizeof(uint64_t))
        return "is too short";
    return NULL;
}

static int word_open_file(const char *path, const struct stat *database, bool writable,
                          struct stat *ret_file, struct paa_error *error)
{
    int flags = (writable ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags, 0600);
    const char *wrong;

    if (fd < 0) {
        snprintf(error->text, sizeof error->text,
                 "%s cannot be opened (%s): give it the store's owner and mode", path,
                 strerror(errno));
        return -1;
    }
    if (fstat(fd, ret_file) == 0 && writable) {
        word_adopt(fd, ret_file, database);
        if (ret_file->st_size < (off_t)sizeof(uint64_t))
            (void)!ftruncate(fd, sizeof(uint64_t));
    }
    wrong = fstat(fd, ret_file) != 0 ? "cannot be examined" : word_judge(ret_file, database);
    if (wrong != NULL) {
        snprintf(error->text, sizeof error->text,
                 "%s %s: stop what uses the store, then remove this file", path, wrong);
        close(fd);
        return -1;
    }
    return fd;
}

int store_word_open(struct store_word *word, const char *database, const struct stat *status,
                    bool writable, struct paa_error *error)
{
    char *path = word_path(database);
    struct stat file;
    int fd = -1;
    int result = -1;

    if (path == NULL)
        goto done;
    fd = word_open_file(path, status, writable, &file, error);
    if (fd < 0)
        goto done;
    if (mmap(word->page, WORD_PAGE, writable ? PROT_READ | PROT_WRITE : PROT_READ,
             MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        snprintf(error->text, sizeof error->text, "%s cannot be mapped: %s", path, strerror(errno));
        close(fd);
        goto done;
    }
    if (word->fd >= 0)
        close(word->fd);
    word->fd = fd;
    word->writable = writable;
    word->device = file.st_dev;
    word->inode = file.st_ino;
    result = 0;

done:
    free(path);
    return result;
}

bool store_word_is_current(const struct store_word *word, const char *database)
{
    char *path = word_path(database);
    struct stat file;
    bool same = path != NULL && word->fd >= 0 && stat(path, &file) == 0 &&
                file.st_dev == word->device && file.st_ino == word->inode &&
                file.st_size >= (off_t)sizeof(uint64_t);

    free(path);
    return same;
}

void store_word_begin(struct store_word *word, uint64_t commit)
{
    atomic_store(word->at, 2 * commit - 1);
}

void store_word_end(struct store_word *word, uint64_t commit)
{
    uint64_t odd = 2 * commit - 1;

    atomic_compare_exchange_strong(word->at, &odd, 2 * commit);
}

void store_word_repair(struct store_word *word, uint64_t commits)
{
    atomic_store(word->at, 2 * commits);
}

static int word_range(struct store_word *word, uint64_t place, int type)
{
    struct flock lock = { .l_type = (short)type,
                          .l_whence = SEEK_SET,
                          .l_start = WORD_LOCKS_FROM + (off_t)(place >> 2),
                          .l_len = 1 };

    return fcntl(word->fd, F_OFD_SETLK, &lock);
}

int store_word_lock(struct store_word *word, uint64_t place)
{
    if (word->fd < 0 || !word->writable)
        return -1;
    if (word_range(word, place, F_WRLCK) == 0)
        return 1;
    return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

void store_word_unlock(struct store_word *word, uint64_t place)
{
    if (word->fd >= 0)
        (void)word_range(word, place, F_UNLCK);
}
