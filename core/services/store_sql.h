/* SPDX-License-Identifier: MIT */
/* The schema of a store's file and every statement on it, for store_sqlite.c only, which includes it behind
 * store_sqlite.h; and the words for a file that cannot be opened. Text, no code. */
#ifndef SERVICES_STORE_SQL_H
#define SERVICES_STORE_SQL_H

enum query {
    QUERY_BEGIN,
    QUERY_BEGIN_WRITE,
    QUERY_COMMIT,
    QUERY_ROLLBACK,
    QUERY_META,
    QUERY_META_SET,
    QUERY_TABLE,
    QUERY_TABLE_NEW,
    QUERY_FIND,
    QUERY_NEXT,
    QUERY_PUT,
    QUERY_SINCE,
    QUERY_EXPIRED,
    QUERY_DELETE,
    QUERY_FULL,
    QUERY_NORMAL,
    QUERY_COUNT
};

#define COLUMNS "SELECT seq, tbl, key, expires, value FROM records "

static const char *const query_text[QUERY_COUNT] = {
    [QUERY_BEGIN] = "BEGIN",
    [QUERY_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [QUERY_COMMIT] = "COMMIT",
    [QUERY_ROLLBACK] = "ROLLBACK",
    [QUERY_META] = "SELECT commits, sequence, purged, salt, due, due_seen, due_ahead FROM meta"
                   " WHERE id = 1",
    [QUERY_META_SET] = "UPDATE meta SET commits = ?1, sequence = ?2, purged = ?3, due = ?4,"
                       " due_seen = ?5, due_ahead = ?6 WHERE id = 1",
    [QUERY_TABLE] = "SELECT id FROM tables WHERE address = ?1",
    [QUERY_TABLE_NEW] = "INSERT INTO tables (address) VALUES (?1)",
    [QUERY_FIND] = COLUMNS "WHERE tbl = ?1 AND key = ?2",
    [QUERY_NEXT] = COLUMNS "WHERE tbl = ?1 AND key >= ?2 AND (?3 = 0 OR key > ?2)"
                           " AND value IS NOT NULL AND (expires = 0 OR expires > ?4)"
                           " ORDER BY key LIMIT 1",
    [QUERY_PUT] = "INSERT INTO records (seq, tbl, key, expires, value) VALUES (?1, ?2, ?3, ?4, ?5)"
                  " ON CONFLICT (tbl, key) DO UPDATE SET seq = excluded.seq,"
                  " expires = excluded.expires, value = excluded.value",
    [QUERY_SINCE] = COLUMNS "WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [QUERY_EXPIRED] = "SELECT seq FROM records WHERE expires > 0 AND expires <= ?1 LIMIT 1",
    [QUERY_DELETE] = "DELETE FROM records WHERE seq = ?1",
    [QUERY_FULL] = "PRAGMA synchronous = FULL",
    [QUERY_NORMAL] = "PRAGMA synchronous = NORMAL",
};

/* A row whose value is NULL says that its key was removed. A program that knows nothing of the word beside
 * the file must not write, or processes would go on believing their images: the triggers call a function
 * that only this connection has. */
static const char schema[] =
    "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), commits INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL, purged INTEGER NOT NULL, salt BLOB NOT NULL,"
    " due INTEGER NOT NULL, due_seen INTEGER NOT NULL, due_ahead INTEGER NOT NULL);"
    "INSERT INTO meta VALUES (1, 1, 0, 0, randomblob(16), 0, 0, -1);"
    "CREATE TABLE tables (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);"
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, key BLOB NOT NULL,"
    " expires INTEGER NOT NULL, value BLOB);"
    "CREATE UNIQUE INDEX records_by_key ON records (tbl, key);"
    "CREATE INDEX records_by_expiry ON records (expires) WHERE expires > 0;"
    "CREATE TRIGGER records_insert BEFORE INSERT ON records"
    " BEGIN SELECT only_paactl_may_write_here(); END;"
    "CREATE TRIGGER records_update BEFORE UPDATE ON records"
    " BEGIN SELECT only_paactl_may_write_here(); END;"
    "CREATE TRIGGER records_delete BEFORE DELETE ON records"
    " BEGIN SELECT only_paactl_may_write_here(); END;";

/* Of a file that cannot be opened, behind its name. */
static const char *const advice[] = {
    [DISK_OK] = "cannot be opened",
    [DISK_NONE] = "cannot be opened",
    [DISK_BUSY] = "is locked by another process",
    [DISK_FULL] = "cannot grow: the disk is full",
    [DISK_DENIED] =
        "cannot be read with its -wal and -shm files: give them the store's owner and mode",
    [DISK_CORRUPT] = "is damaged or no store",
    [DISK_FAILED] = "cannot be opened",
};

#endif
