/* SPDX-License-Identifier: MIT */
/* The grammar of libconfig, read beside libconfig: for sentences that help, and as a check on it. */
#include "scan.h"
#include "hash.h"
#include "json.h"
#include "lex.h"
#include "str.h"

#include <stdlib.h>

struct level { /* an open bracket */
    uint32_t value;
    uint32_t last_member;
    bool has_member;
};

struct walk {
    struct scan *scan;
    struct lexer lexer;
    struct lexeme now;
    enum token before;
    struct level levels[NODE_DEPTH_MAX + 1];
    unsigned depth;
};

static const char *const brackets[] = {
    [NODE_GROUP] = "{}", [NODE_LIST] = "()", [NODE_ARRAY] = "[]"
};

static bool refuse(struct walk *walk, const char *sentence)
{
    struct where where = { walk->scan->file, walk->now.line };

    diag_error(walk->scan->diag, where, "%s", sentence);
    return false;
}

static bool out_of_memory(struct scan *scan)
{
    diag_error(scan->diag, ((struct where){ scan->file, 0 }), "out of memory");
    return false;
}

/* Room for one more of `size` bytes behind count. */
static void *grown(void *items, size_t count, size_t *room, size_t size)
{
    size_t new_room = *room == 0 ? 64 : *room * 2;
    void *new_items;

    if (count < *room)
        return items;
    new_items = realloc(items, new_room * size);
    if (new_items != NULL)
        *room = new_room;
    return new_items;
}

static struct scan_value *container(struct walk *walk)
{
    return &walk->scan->values[walk->levels[walk->depth].value];
}

static bool add_value(struct walk *walk)
{
    struct scan *scan = walk->scan;
    struct scan_value *values;

    if (scan->value_count > NODE_COUNT_MAX)
        return refuse(walk, "the file has more than 1,000,000 values: part it in several");
    values = grown(scan->values, scan->value_count, &scan->value_room, sizeof *values);
    if (values == NULL)
        return out_of_memory(scan);
    scan->values = values;
    values[scan->value_count++] = (struct scan_value){ .type = walk->now.type,
                                                       .line = walk->now.line,
                                                       .integer = walk->now.integer };
    return true;
}

static bool add_member(struct walk *walk)
{
    struct scan *scan = walk->scan;
    struct level *level = &walk->levels[walk->depth];
    uint32_t index = (uint32_t)scan->member_count;
    struct scan_member *members;

    members = grown(scan->members, scan->member_count, &scan->member_room, sizeof *members);
    if (members == NULL)
        return out_of_memory(scan);
    scan->members = members;
    members[scan->member_count++] = (struct scan_member){ .offset = (uint32_t)walk->now.offset,
                                                          .size = (uint32_t)walk->now.size,
                                                          .line = walk->now.line,
                                                          .group = level->value };
    if (level->has_member)
        members[level->last_member].next = index;
    else
        container(walk)->first_member = index;
    level->has_member = true;
    level->last_member = index;
    return true;
}

static bool on_name(struct walk *walk)
{
    if (walk->before == TOKEN_ASSIGN)
        return refuse(walk, "a text needs quotes, as in name = \"text\"");
    if (walk->before == TOKEN_NAME)
        return refuse(walk, "= is missing between a name and its value");
    if (container(walk)->type != NODE_GROUP)
        return refuse(walk, "a name stands in a list: members belong between { and }, and texts "
                            "between quotes");
    return add_member(walk);
}

static bool may_have_value(struct walk *walk)
{
    enum node_type outer = container(walk)->type;
    bool is_aggregate = walk->now.token == TOKEN_OPEN;

    if (outer == NODE_GROUP && walk->before != TOKEN_ASSIGN) {
        if (walk->before == TOKEN_STRING && walk->now.token == TOKEN_STRING)
            return refuse(walk, "two strings stand side by side, which libconfig makes one: write "
                                "one string, or a list with commas");
        return refuse(walk, walk->before == TOKEN_NAME
                                ? "= is missing between a name and its value"
                                : "a value stands here without a name and =");
    }
    if (outer != NODE_GROUP && walk->before == TOKEN_STRING && walk->now.token == TOKEN_STRING)
        return refuse(walk,
                      "two strings stand side by side, which libconfig makes one: put a comma "
                      "between them");
    if (outer != NODE_GROUP && walk->before != TOKEN_OPEN && walk->before != TOKEN_COMMA)
        return refuse(walk, "a comma is missing before this value");
    if (outer == NODE_ARRAY && is_aggregate)
        return refuse(walk, "[ ] holds plain values only: use ( ) for a list of groups or lists");
    return true;
}

static bool on_value(struct walk *walk)
{
    if (!may_have_value(walk) || !add_value(walk))
        return false;
    container(walk)->child_count++;
    return true;
}

static bool on_open(struct walk *walk)
{
    if (walk->depth >= NODE_DEPTH_MAX)
        return refuse(walk, "brackets are nested more than 16 deep");
    if (!on_value(walk))
        return false;
    walk->depth++;
    walk->levels[walk->depth] = (struct level){ .value = (uint32_t)walk->scan->value_count - 1 };
    container(walk)->body_begin = (uint32_t)walk->lexer.at;
    return true;
}

static bool on_close(struct walk *walk)
{
    struct where where = { walk->scan->file, walk->now.line };
    struct scan_value *open = container(walk);

    if (walk->depth == 0 || open->type != walk->now.type) {
        if (walk->depth == 0)
            diag_error(walk->scan->diag, where, "\"%c\" closes nothing",
                       brackets[walk->now.type][1]);
        else
            diag_error(walk->scan->diag, where, "\"%c\" stands where \"%c\" should close line %u",
                       brackets[walk->now.type][1], brackets[open->type][1], (unsigned)open->line);
        return false;
    }
    if (walk->before == TOKEN_NAME || walk->before == TOKEN_ASSIGN)
        return refuse(walk, "a name has no value");
    if (walk->before == TOKEN_COMMA && open->type != NODE_GROUP)
        return refuse(walk, "a list must not end with a comma");
    open->body_end = (uint32_t)walk->now.offset;
    walk->depth--;
    return true;
}

static bool on_separator(struct walk *walk)
{
    bool is_list = container(walk)->type != NODE_GROUP;

    if (walk->before == TOKEN_NAME || walk->before == TOKEN_ASSIGN)
        return refuse(walk, "a name has no value");
    if (walk->before != TOKEN_STRING && walk->before != TOKEN_PLAIN && walk->before != TOKEN_CLOSE)
        return refuse(walk, "nothing stands before this , or ;");
    if (is_list && walk->now.token == TOKEN_SEMICOLON)
        return refuse(walk, "the parts of a list are parted by commas, not by ;");
    return true;
}

static bool on_end(struct walk *walk)
{
    if (walk->before == TOKEN_NAME || walk->before == TOKEN_ASSIGN)
        return refuse(walk, "the file ends where a value should stand");
    if (walk->depth > 0) {
        walk->now.line = container(walk)->line;
        return refuse(walk, "the bracket that opens here is never closed");
    }
    walk->scan->values[0].body_end = (uint32_t)walk->scan->text.size;
    return true;
}

static bool on_lexeme(struct walk *walk)
{
    switch (walk->now.token) {
    case TOKEN_NAME:
        return on_name(walk);
    case TOKEN_ASSIGN:
        return walk->before == TOKEN_NAME || refuse(walk, "a name is missing before =");
    case TOKEN_COMMA:
    case TOKEN_SEMICOLON:
        return on_separator(walk);
    case TOKEN_OPEN:
        return on_open(walk);
    case TOKEN_CLOSE:
        return on_close(walk);
    case TOKEN_STRING:
    case TOKEN_PLAIN:
        return on_value(walk);
    case TOKEN_END:
        return on_end(walk);
    default:
        return refuse(walk, walk->now.error);
    }
}

static bool same_name(const struct scan *scan, const struct scan_member *a,
                      const struct scan_member *b)
{
    return a->group == b->group && str_eq(str_slice(scan->text, a->offset, a->offset + a->size),
                                          str_slice(scan->text, b->offset, b->offset + b->size));
}

static size_t member_hash(const struct scan *scan, const struct scan_member *member)
{
    struct hash_key key = { { 1, member->group } };

    return (size_t)hash_bytes(&key, scan->text.data + member->offset, member->size);
}

/* slots hold an index + 1. Returns the earlier member of the same name, or NULL. */
static const struct scan_member *enter(const struct scan *scan, uint32_t *slots, size_t mask,
                                       uint32_t index)
{
    const struct scan_member *member = &scan->members[index];
    size_t at = member_hash(scan, member) & mask;

    for (; slots[at] != 0; at = (at + 1) & mask)
        if (same_name(scan, &scan->members[slots[at] - 1], member))
            return &scan->members[slots[at] - 1];
    slots[at] = index + 1;
    return NULL;
}

/* Two members of one name in one group: libconfig refuses them too, but does not say where the first is. */
static bool no_doubles(struct scan *scan)
{
    size_t room = 16;
    uint32_t *slots;
    bool is_fine = true;

    while (room < scan->member_count * 2)
        room *= 2;
    slots = calloc(room, sizeof *slots);
    if (slots == NULL)
        return out_of_memory(scan);
    for (uint32_t i = 0; i < scan->member_count; i++) {
        const struct scan_member *member = &scan->members[i];
        const struct scan_member *first = enter(scan, slots, room - 1, i);

        if (first == NULL)
            continue;
        diag_error(scan->diag, ((struct where){ scan->file, member->line }),
                   "\"%.*s\" is in line %u already: a name may stand only once in a group",
                   (int)(member->size < 64 ? member->size : 64), scan->text.data + member->offset,
                   (unsigned)first->line);
        is_fine = false;
    }
    free(slots);
    return is_fine;
}

static uint32_t line_at(struct paa_str text, size_t offset)
{
    uint32_t line = 1;

    for (size_t i = 0; i < offset; i++)
        line += text.data[i] == '\n';
    return line;
}

static const char *control_sentence(unsigned char c)
{
    if (c == '\0')
        return "a NUL byte: this is no text file";
    if (c == '\r')
        return "a carriage return without a line feed: some editors show a new line where there is "
               "none";
    return "a control byte: only line feeds, tabs and blanks may part words";
}

/* Is it text at all? */
static bool is_text(struct scan *scan)
{
    struct paa_str text = scan->text;

    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        diag_error(scan->diag, ((struct where){ scan->file, 1 }),
                   "the file begins with a byte order mark: save it as UTF-8 without one");
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_newline = c == '\r' && i + 1 < text.size && text.data[i + 1] == '\n';

        if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || is_newline)
            continue;
        diag_error(scan->diag, ((struct where){ scan->file, line_at(text, i) }), "%s",
                   control_sentence(c));
        return false;
    }
    return true;
}

/* Line by line, so that the sentence can name the line. */
static bool is_utf8(struct scan *scan)
{
    uint32_t line = 1;

    for (size_t at = 0; at < scan->text.size; line++) {
        size_t end = str_find(scan->text, '\n', at);

        if (!utf8_valid(str_slice(scan->text, at, end))) {
            diag_error(scan->diag, ((struct where){ scan->file, line }),
                       "this line is not UTF-8: save the file as UTF-8");
            return false;
        }
        at = end + 1;
    }
    return true;
}

bool scan_text(struct scan *scan, struct paa_str text, const char *file, struct diag *findings)
{
    struct walk walk = { .scan = scan,
                         .lexer = { text, 0, 1 },
                         .now = { .type = NODE_GROUP, .line = 1 },
                         .before = TOKEN_START };

    memset(scan, 0, sizeof *scan);
    scan->text = text;
    scan->file = file;
    scan->diag = findings;
    if (!is_text(scan) || !is_utf8(scan) || !add_value(&walk))
        return false;
    do {
        lex_next(&walk.lexer, &walk.now);
        if (!on_lexeme(&walk))
            return false;
        walk.before = walk.now.token;
    } while (walk.now.token != TOKEN_END);
    return no_doubles(scan);
}

void scan_free(struct scan *scan)
{
    free(scan->values);
    free(scan->members);
    scan->values = NULL;
    scan->members = NULL;
}
