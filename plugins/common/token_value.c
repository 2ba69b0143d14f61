/* SPDX-License-Identifier: MIT */
/* A head of fixed size, then the texts, one behind the other. The bytes never leave the machine that wrote them. */
#include "token_value.h"

#include "str.h"

enum { TEXTS = 6 };

struct head {
    uint32_t state;
    uint32_t sizes[TEXTS];
    uint32_t unused; /* 0 */
    int64_t asked_at_s;
    int64_t expires_at_s;
    uint64_t client_version;
};

static bool fits(const struct head *head, size_t size)
{
    uint64_t total = 0;

    for (size_t i = 0; i < TEXTS; i++)
        total += head->sizes[i];
    return total == size && (head->state == TOKEN_AT_HAND || head->state == TOKEN_WAS_REFUSED);
}

bool token_value_read(struct paa_bytes bytes, struct token_value *ret_value)
{
    const char *text = (const char *)bytes.data + sizeof(struct head);
    struct paa_str texts[TEXTS];
    struct head head;

    if (bytes.size < sizeof head)
        return false;
    memcpy(&head, bytes.data, sizeof head);
    if (!fits(&head, bytes.size - sizeof head))
        return false;
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = paa_str_of_n(text, head.sizes[i]);
        text += head.sizes[i];
    }
    *ret_value = (struct token_value){ (enum token_state)head.state,
                                       head.asked_at_s,
                                       head.expires_at_s,
                                       head.client_version,
                                       texts[0],
                                       texts[1],
                                       texts[2],
                                       texts[3],
                                       texts[4],
                                       texts[5] };
    return true;
}

void token_value_write(struct buf *buf, const struct token_value *value)
{
    const struct paa_str texts[TEXTS] = { value->credentials, value->ath,     value->scope,
                                          value->refresh,     value->subject, value->name };
    struct head head = { .state = (uint32_t)value->state,
                         .asked_at_s = value->asked_at_s,
                         .expires_at_s = value->expires_at_s,
                         .client_version = value->client_version };

    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i].size > TOKEN_VALUE_MAX)
            buf->failed = true;
        head.sizes[i] = (uint32_t)texts[i].size;
    }
    buf_add(buf, &head, sizeof head);
    for (size_t i = 0; i < TEXTS; i++)
        buf_add_str(buf, texts[i]);
}
