/* SPDX-License-Identifier: MIT */
/*
 * Options as bytes for a digest: every part with its size before it, so that two different groups never give the
 * same bytes. Numbers are little-endian: the digest names things in stores that machines share.
 */
#include "options_read.h"
#include "str.h"

struct feed {
    void (*update)(void *arg, const void *data, size_t size);
    void *arg;
};

static void feed_number(const struct feed *feed, uint64_t number)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    feed->update(feed->arg, bytes, sizeof bytes);
}

static void feed_str(const struct feed *feed, struct paa_str text)
{
    feed_number(feed, text.data != NULL ? text.size + 1 : 0);
    if (text.size > 0)
        feed->update(feed->arg, text.data, text.size);
}

/* A literal's own text stays out: the digest may be seen, and a short secret could be guessed from it. */
static void feed_secret(const struct feed *feed, const struct option_secret *secret)
{
    size_t count = 0;

    feed_number(feed, (uint64_t)secret->kind);
    if (secret->kind != OPTION_LITERAL)
        feed_str(feed, secret->text);
    while (secret->argv != NULL && secret->argv[count] != NULL)
        count++;
    feed_number(feed, count);
    for (size_t i = 0; i < count; i++)
        feed_str(feed, paa_str_of(secret->argv[i]));
}

static void feed_value(const struct feed *feed, const struct option_value *value)
{
    switch (value->row->type) {
    case PAA_OPTION_SECRET:
    case PAA_OPTION_PATH:
        feed_secret(feed, &value->secret);
        return;
    case PAA_OPTION_KEY: /* what it is, whatever name it goes by */
        feed_str(feed, value->key == NULL ? value->string : STR_NONE);
        if (value->key != NULL)
            options_digest(value->key->options, feed->update, feed->arg);
        return;
    case PAA_OPTION_TLS:
    case PAA_OPTION_GROUP:
        options_digest(value->group, feed->update, feed->arg);
        return;
    default:
        feed_str(feed, value->string);
        feed_number(feed, (uint64_t)value->number);
    }
}

void options_digest(const struct paa_options *options,
                    void (*update)(void *arg, const void *data, size_t size), void *arg)
{
    struct feed feed = { update, arg };

    feed_number(&feed, options->count);
    for (size_t i = 0; i < options->count; i++) {
        const struct option_entry *entry = &options->entries[i];

        feed_str(&feed, paa_str_of(entry->row->name));
        feed_number(&feed, (uint64_t)entry->row->type);
        feed_number(&feed, entry->count);
        for (size_t k = 0; k < entry->count; k++)
            feed_value(&feed, &entry->values[k]);
    }
}
