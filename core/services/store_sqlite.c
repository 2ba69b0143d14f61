/* SPDX-License-Identifier: MIT */
/* See store_sqlite.h. The only file that includes sqlite3.h. */
#include "store_sqlite.h"
#include "store_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct disk {
    sqlite3 *db;
    sqlite3_stmt *query[QUERY_COUNT];
    bool full; /* synchronous, as last set */
    bool full_known;
    int prepared;    /* the code of the last failure to prepare */
    char error[160]; /* of the last failure */
};

static enum disk_result result_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return DISK_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return DISK_BUSY;
    case SQLITE_FULL:
        return DISK_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return DISK_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* our statements are right: no such table, no such column */
    case SQLITE_MISMATCH:
        return DISK_CORRUPT;
    default:
        return DISK_FAILED;
    }
}

const char *disk_error(const struct disk *disk)
{
    return disk->error;
}

/* What came of a call; failures are remembered, since a rollback hides them. */
static enum disk_result outcome(struct disk *disk, int code)
{
    enum disk_result result = result_of(code);

    if (result != DISK_OK)
        snprintf(disk->error, sizeof disk->error, "%s", sqlite3_errmsg(disk->db));
    return result;
}

/* ---- statements ---- */

/* Prepared on first use, reset, without bindings. NULL: could not be prepared; binding to that does nothing,
 * and step() says why. */
static sqlite3_stmt *take(struct disk *disk, enum query query)
{
    sqlite3_stmt **statement = &disk->query[query];

    if (*statement == NULL)
        disk->prepared = sqlite3_prepare_v3(disk->db, query_text[query], -1,
                                            SQLITE_PREPARE_PERSISTENT, statement, NULL);
    if (*statement == NULL)
        return NULL;
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    return *statement;
}

static int step(const struct disk *disk, sqlite3_stmt *statement)
{
    return statement != NULL ? sqlite3_step(statement) : disk->prepared;
}

static enum disk_result run(struct disk *disk, sqlite3_stmt *statement)
{
    enum disk_result result = outcome(disk, step(disk, statement));

    sqlite3_reset(statement);
    return result;
}

static enum disk_result simple(struct disk *disk, enum query query)
{
    return run(disk, take(disk, query));
}

/* NULL data with size 0 would bind NULL. */
static void bind_blob(sqlite3_stmt *statement, int at, struct paa_bytes bytes)
{
    if (bytes.size == 0)
        sqlite3_bind_zeroblob(statement, at, 0);
    else
        sqlite3_bind_blob64(statement, at, bytes.data, bytes.size, SQLITE_STATIC);
}

static struct paa_bytes column_bytes(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);

    return paa_bytes_of(data != NULL ? data : "", size > 0 ? (size_t)size : 0);
}

/* False: not what this program writes. */
static bool row_of(sqlite3_stmt *statement, struct disk_row *ret_row)
{
    int64_t version = sqlite3_column_int64(statement, 0);
    int64_t table = sqlite3_column_int64(statement, 1);
    int value = sqlite3_column_type(statement, 4);

    ret_row->version = (uint64_t)version;
    ret_row->table = (uint32_t)table;
    ret_row->key = column_bytes(statement, 2);
    ret_row->expires_at_s = sqlite3_column_int64(statement, 3);
    ret_row->gone = value == SQLITE_NULL;
    ret_row->value = column_bytes(statement, 4);
    return version > 0 && table > 0 && table <= UINT32_MAX && ret_row->key.size <= 255 &&
           ret_row->expires_at_s >= 0 && (value == SQLITE_NULL || value == SQLITE_BLOB);
}

static enum disk_result one_row(struct disk *disk, sqlite3_stmt *statement,
                                struct disk_row *ret_row)
{
    int code = step(disk, statement);
    enum disk_result result = code == SQLITE_DONE ? DISK_NONE : outcome(disk, code);

    if (code != SQLITE_ROW) {
        sqlite3_reset(statement);
        return result;
    }
    if (row_of(statement, ret_row))
        return DISK_OK;
    snprintf(disk->error, sizeof disk->error, "a row that is none of ours");
    return DISK_CORRUPT;
}

/* ---- opening ---- */

static void allow_writing(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_null(context);
}

static int64_t pragma(struct disk *disk, const char *text, int *ret_code)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;

    *ret_code = sqlite3_prepare_v2(disk->db, text, -1, &statement, NULL);
    if (*ret_code == SQLITE_OK)
        *ret_code = sqlite3_step(statement);
    if (*ret_code == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static enum disk_result make_schema(struct disk *disk)
{
    char ids[96];
    int code =
        sqlite3_exec(disk->db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", NULL, NULL, NULL);
    int read_code;

    snprintf(ids, sizeof ids, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DISK_APPLICATION_ID, DISK_VERSION);
    /* Not empty any more: another process was faster. */
    if (code == SQLITE_OK && pragma(disk, "SELECT count(*) FROM sqlite_schema", &read_code) == 0) {
        code = sqlite3_exec(disk->db, schema, NULL, NULL, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_exec(disk->db, ids, NULL, NULL, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_exec(disk->db, "COMMIT", NULL, NULL, NULL);
    }
    if (sqlite3_get_autocommit(disk->db) == 0)
        (void)sqlite3_exec(disk->db, "ROLLBACK", NULL, NULL, NULL);
    return result_of(code);
}

static enum disk_result check(struct disk *disk, bool create, const char **ret_wrong)
{
    int code;
    int64_t tables = pragma(disk, "SELECT count(*) FROM sqlite_schema", &code);
    int64_t id, version;
    enum disk_result result;

    *ret_wrong = NULL;
    if (tables < 0)
        return result_of(code);
    if (tables == 0) {
        *ret_wrong = "is empty";
        if (!create)
            return DISK_NONE;
        *ret_wrong = NULL;
        result = make_schema(disk);
        if (result != DISK_OK)
            return result;
    }
    id = pragma(disk, "PRAGMA application_id", &code);
    if (id < 0)
        return result_of(code);
    *ret_wrong = "is not a store of PAA";
    if (id != DISK_APPLICATION_ID)
        return DISK_CORRUPT;
    version = pragma(disk, "PRAGMA user_version", &code);
    *ret_wrong = "was written by another version of PAA";
    if (version != DISK_VERSION)
        return DISK_CORRUPT;
    *ret_wrong = NULL;
    return DISK_OK;
}

static void set_up(sqlite3 *db)
{
    int keep_wal = 1;

    sqlite3_extended_result_codes(db, 1);
    /* Readers without write permission need PATH-wal and PATH-shm to be there. */
    sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_wal);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_create_function_v2(db, "only_paactl_may_write_here", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                               NULL, allow_writing, NULL, NULL, NULL);
    (void)sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 67108864",
                       NULL, NULL, NULL);
}

struct disk *disk_open(const char *path, bool writable, bool create, enum disk_result *ret_result,
                       struct paa_error *error)
{
    struct disk *disk = calloc(1, sizeof *disk);
    int flags = (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE;
    int tries = DISK_BUSY_MS / DISK_AGAIN_MS;
    enum disk_result result = DISK_FAILED;
    const char *wrong = NULL;

    if (disk == NULL)
        goto done;
    result = result_of(sqlite3_open_v2(path, &disk->db, flags, NULL));
    if (result != DISK_OK)
        goto done;
    set_up(disk->db);
    do
        result = check(disk, writable && create, &wrong);
    while (result == DISK_BUSY && tries-- > 0 && sqlite3_sleep(DISK_AGAIN_MS) >= 0);
    sqlite3_busy_timeout(disk->db, DISK_BUSY_MS);

done:
    *ret_result = result;
    if (result == DISK_OK)
        return disk;
    snprintf(error->text, sizeof error->text,
             "%s %s (%s): put back a copy, or move it away and make a new one", path,
             wrong != NULL ? wrong : advice[result],
             disk != NULL && disk->db != NULL ? sqlite3_errmsg(disk->db) : "no memory");
    disk_close(disk, false);
    return NULL;
}

void disk_close(struct disk *disk, bool checkpoint)
{
    if (disk == NULL)
        return;
    for (int i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize(disk->query[i]);
    if (disk->db != NULL)
        sqlite3_db_config(disk->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, checkpoint ? 0 : 1, NULL);
    sqlite3_close(disk->db);
    free(disk);
}

/* ---- transactions ---- */

enum disk_result disk_durable(struct disk *disk, bool full)
{
    enum disk_result result = DISK_OK;

    if (!disk->full_known || disk->full != full)
        result = simple(disk, full ? QUERY_FULL : QUERY_NORMAL);
    disk->full_known = result == DISK_OK;
    disk->full = full;
    return result;
}

enum disk_result disk_begin(struct disk *disk, bool write)
{
    enum disk_result result;

    if (!write)
        return simple(disk, QUERY_BEGIN);
    sqlite3_busy_timeout(disk->db, 0); /* whoever calls tries again, and serves readers meanwhile */
    result = simple(disk, QUERY_BEGIN_WRITE);
    sqlite3_busy_timeout(disk->db, DISK_BUSY_MS);
    return result;
}

/* A statement that stands on a row would keep its snapshot. */
static void leave_rows(struct disk *disk)
{
    for (int i = 0; i < QUERY_COUNT; i++)
        sqlite3_reset(disk->query[i]);
}

enum disk_result disk_commit(struct disk *disk)
{
    leave_rows(disk);
    return simple(disk, QUERY_COMMIT);
}

void disk_rollback(struct disk *disk)
{
    leave_rows(disk);
    if (sqlite3_get_autocommit(disk->db) == 0)
        (void)simple(disk, QUERY_ROLLBACK);
}

/* ---- rows ---- */

static bool column_due(sqlite3_stmt *statement, struct store_due *ret_due)
{
    ret_due->due_ms = sqlite3_column_int64(statement, 4);
    ret_due->seen_ms = sqlite3_column_int64(statement, 5);
    ret_due->ahead_ms = sqlite3_column_int64(statement, 6);
    return ret_due->due_ms >= 0 && ret_due->seen_ms >= 0 && ret_due->ahead_ms >= STORE_NOT_AHEAD;
}

enum disk_result disk_meta_read(struct disk *disk, struct disk_meta *ret_meta)
{
    sqlite3_stmt *statement = take(disk, QUERY_META);
    int code = step(disk, statement);
    struct paa_bytes salt;
    enum disk_result result;

    if (code == SQLITE_ROW) {
        ret_meta->commits = (uint64_t)sqlite3_column_int64(statement, 0);
        ret_meta->sequence = (uint64_t)sqlite3_column_int64(statement, 1);
        ret_meta->purged = (uint64_t)sqlite3_column_int64(statement, 2);
        salt = column_bytes(statement, 3);
        result = ret_meta->commits > 0 && ret_meta->commits < INT64_MAX / 4 &&
                         salt.size == sizeof ret_meta->salt && column_due(statement, &ret_meta->due)
                     ? DISK_OK
                     : DISK_CORRUPT;
        if (result == DISK_OK)
            memcpy(ret_meta->salt, salt.data, sizeof ret_meta->salt);
    } else {
        result = code == SQLITE_DONE ? DISK_CORRUPT : outcome(disk, code);
    }
    sqlite3_reset(statement);
    return result;
}

enum disk_result disk_meta_write(struct disk *disk, const struct disk_meta *meta)
{
    sqlite3_stmt *statement = take(disk, QUERY_META_SET);

    sqlite3_bind_int64(statement, 1, (int64_t)meta->commits);
    sqlite3_bind_int64(statement, 2, (int64_t)meta->sequence);
    sqlite3_bind_int64(statement, 3, (int64_t)meta->purged);
    sqlite3_bind_int64(statement, 4, meta->due.due_ms);
    sqlite3_bind_int64(statement, 5, meta->due.seen_ms);
    sqlite3_bind_int64(statement, 6, meta->due.ahead_ms);
    return run(disk, statement);
}

static enum disk_result table_find(struct disk *disk, const char *address, uint32_t *ret_id)
{
    sqlite3_stmt *statement = take(disk, QUERY_TABLE);
    enum disk_result result;
    int code;

    sqlite3_bind_text(statement, 1, address, -1, SQLITE_STATIC);
    code = step(disk, statement);
    result = code == SQLITE_DONE ? DISK_NONE : outcome(disk, code);
    if (code == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);

        result = id > 0 && id <= UINT32_MAX ? DISK_OK : DISK_CORRUPT;
        *ret_id = (uint32_t)id;
    }
    sqlite3_reset(statement);
    return result;
}

enum disk_result disk_table(struct disk *disk, const char *address, bool make, uint32_t *ret_id)
{
    sqlite3_stmt *statement;
    enum disk_result result = table_find(disk, address, ret_id);

    if (result != DISK_NONE || !make)
        return result;
    statement = take(disk, QUERY_TABLE_NEW);
    sqlite3_bind_text(statement, 1, address, -1, SQLITE_STATIC);
    result = run(disk, statement);
    return result == DISK_OK ? table_find(disk, address, ret_id) : result;
}

enum disk_result disk_find(struct disk *disk, uint32_t table, struct paa_bytes key,
                           struct disk_row *ret_row)
{
    sqlite3_stmt *statement = take(disk, QUERY_FIND);

    sqlite3_bind_int64(statement, 1, table);
    bind_blob(statement, 2, key);
    return one_row(disk, statement, ret_row);
}

enum disk_result disk_next(struct disk *disk, uint32_t table, struct paa_bytes from, bool behind,
                           int64_t now_s, struct disk_row *ret_row)
{
    sqlite3_stmt *statement = take(disk, QUERY_NEXT);

    sqlite3_bind_int64(statement, 1, table);
    bind_blob(statement, 2, from);
    sqlite3_bind_int(statement, 3, behind);
    sqlite3_bind_int64(statement, 4, now_s);
    return one_row(disk, statement, ret_row);
}

enum disk_result disk_put(struct disk *disk, const struct disk_row *row)
{
    sqlite3_stmt *statement = take(disk, QUERY_PUT);

    sqlite3_bind_int64(statement, 1, (int64_t)row->version);
    sqlite3_bind_int64(statement, 2, row->table);
    bind_blob(statement, 3, row->key);
    sqlite3_bind_int64(statement, 4, row->expires_at_s);
    if (!row->gone)
        bind_blob(statement, 5, row->value);
    return run(disk, statement);
}

enum disk_result disk_purge(struct disk *disk, int64_t before_s, unsigned most,
                            struct disk_meta *meta)
{
    enum disk_result result = DISK_OK;

    for (unsigned i = 0; i < most; i++) {
        sqlite3_stmt *statement = take(disk, QUERY_EXPIRED);
        int64_t version;
        int code;

        sqlite3_bind_int64(statement, 1, before_s);
        code = step(disk, statement);
        version = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_reset(statement);
        if (code != SQLITE_ROW)
            return outcome(disk, code);
        statement = take(disk, QUERY_DELETE);
        sqlite3_bind_int64(statement, 1, version);
        result = run(disk, statement);
        if (result != DISK_OK)
            return result;
        if ((uint64_t)version > meta->purged)
            meta->purged = (uint64_t)version;
    }
    return result;
}

enum disk_result disk_since(struct disk *disk, uint64_t seen, unsigned most,
                            bool (*fn)(void *arg, const struct disk_row *row), void *arg,
                            unsigned *ret_count)
{
    sqlite3_stmt *statement = take(disk, QUERY_SINCE);
    struct disk_row row;
    enum disk_result result;

    *ret_count = 0;
    sqlite3_bind_int64(statement, 1, (int64_t)seen);
    sqlite3_bind_int64(statement, 2, most);
    while ((result = one_row(disk, statement, &row)) == DISK_OK) {
        ++*ret_count;
        if (!fn(arg, &row)) {
            result = DISK_FAILED;
            break;
        }
    }
    sqlite3_reset(statement);
    return result == DISK_NONE ? DISK_OK : result;
}
