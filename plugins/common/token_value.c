/* SPDX-License-Identifier: MIT */
/* A head of fixed size, then the texts, one behind the other. The bytes never leave the machine that wrote them. */
#include "token_value.h"

#include "str.h"

enum { TEXTS = 6 };

struct head {
    uint32_t state;
    uint32_t ends[TEXTS]; /* of each text, counted from the first one's begin */
    uint32_t unused;      /* 0 */
    int64_t asked_at_s;
    int64_t expires_at_s;
    uint64_t client_version;
};

/* False: no such value. */
static inline bool read_head(struct paa_bytes bytes, struct head *ret_head)
{
    const uint32_t *ends = ret_head->ends;

    if (UNLIKELY(bytes.size < sizeof *ret_head))
        return false;
    memcpy(ret_head, bytes.data, sizeof *ret_head);
    return ends[0] <= ends[1] && ends[1] <= ends[2] && ends[2] <= ends[3] && ends[3] <= ends[4] &&
           ends[4] <= ends[5] && ends[TEXTS - 1] == bytes.size - sizeof *ret_head &&
           (ret_head->state == TOKEN_AT_HAND || ret_head->state == TOKEN_WAS_REFUSED);
}

static inline struct paa_str text_of(const struct head *head, struct paa_bytes bytes, size_t index)
{
    const char *texts = (const char *)bytes.data + sizeof *head;
    uint32_t begin = index > 0 ? head->ends[index - 1] : 0;

    return paa_str_of_n(texts + begin, head->ends[index] - begin);
}

bool token_value_read(struct paa_bytes bytes, struct token_value *ret_value)
{
    struct head head;

    if (UNLIKELY(!read_head(bytes, &head)))
        return false;
    *ret_value = (struct token_value){ .state = (enum token_state)head.state,
                                       .asked_at_s = head.asked_at_s,
                                       .expires_at_s = head.expires_at_s,
                                       .client_version = head.client_version,
                                       .credentials = text_of(&head, bytes, 0),
                                       .ath = text_of(&head, bytes, 1),
                                       .scope = text_of(&head, bytes, 2),
                                       .refresh = text_of(&head, bytes, 3),
                                       .subject = text_of(&head, bytes, 4),
                                       .name = text_of(&head, bytes, 5) };
    return true;
}

struct paa_str token_value_credentials(struct paa_bytes bytes)
{
    struct head head;

    return LIKELY(read_head(bytes, &head) && head.state == TOKEN_AT_HAND) ? text_of(&head, bytes, 0)
                                                                          : STR_NONE;
}

void token_value_write(struct buf *buf, const struct token_value *value)
{
    const struct paa_str texts[TEXTS] = { value->credentials, value->ath,     value->scope,
                                          value->refresh,     value->subject, value->name };
    struct head head = { .state = (uint32_t)value->state,
                         .asked_at_s = value->asked_at_s,
                         .expires_at_s = value->expires_at_s,
                         .client_version = value->client_version };

    for (size_t i = 0, end = 0; i < TEXTS; i++) {
        if (texts[i].size > TOKEN_VALUE_MAX)
            buf->failed = true;
        end += texts[i].size;
        head.ends[i] = (uint32_t)end;
    }
    buf_add(buf, &head, sizeof head);
    for (size_t i = 0; i < TEXTS; i++)
        buf_add_str(buf, texts[i]);
}
