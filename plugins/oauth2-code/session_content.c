/* SPDX-License-Identifier: MIT */
/* See session_content.h. */
#include "session_content.h"

#include "packed.h"
#include "str.h"
#include "units.h"

enum {
    FORMAT = 1,
    WRITE_S =
        60, /* a session is written again so long after it was, or a quarter of its idle time */
    IDLE_PART = 4
};

size_t session_write(const struct session *session, unsigned char *ret_bytes, size_t max)
{
    const struct paa_str texts[] = {
        session->issuer,       session->subject,       session->sid,    session->scope,
        session->amr,          session->acr,           session->claims, session->id_token,
        session->access_token, session->refresh_token,
    };
    struct packer packer = { .bytes = ret_bytes, .max = max };
    const unsigned char format = FORMAT;

    pack_bytes(&packer, &format, 1);
    pack_bytes(&packer, session->id, SESSION_ID_SIZE);
    pack_int(&packer, session->made_at_s);
    pack_int(&packer, session->seen_at_s);
    pack_int(&packer, session->auth_time_s);
    pack_int(&packer, session->token_ends_s);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        pack_str(&packer, texts[i]);
    return packer.failed ? 0 : packer.size;
}

bool session_read(struct paa_bytes bytes, struct session *ret_session)
{
    struct paa_str *const texts[] = {
        &ret_session->issuer,        &ret_session->subject,  &ret_session->sid,
        &ret_session->scope,         &ret_session->amr,      &ret_session->acr,
        &ret_session->claims,        &ret_session->id_token, &ret_session->access_token,
        &ret_session->refresh_token,
    };
    struct unpacker unpacker = { .rest = bytes };
    unsigned char format;

    unpack_bytes(&unpacker, &format, 1);
    unpack_bytes(&unpacker, ret_session->id, SESSION_ID_SIZE);
    ret_session->made_at_s = unpack_int(&unpacker);
    ret_session->seen_at_s = unpack_int(&unpacker);
    ret_session->auth_time_s = unpack_int(&unpacker);
    ret_session->token_ends_s = unpack_int(&unpacker);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = unpack_str(&unpacker);
    return unpack_end(&unpacker) && format == FORMAT && ret_session->issuer.size > 0 &&
           ret_session->subject.size > 0;
}

int64_t session_ends_s(const struct session *session, const struct session_times *times)
{
    return time_add(session->made_at_s, times->lifetime_s);
}

enum session_age session_age(const struct session *session, const struct session_times *times,
                             int64_t now_s)
{
    int64_t write_s = times->idle_s / IDLE_PART < WRITE_S ? times->idle_s / IDLE_PART : WRITE_S;

    if (now_s >= session_ends_s(session, times))
        return SESSION_OVER;
    if (now_s >= time_add(session->seen_at_s, times->idle_s))
        return SESSION_IDLE;
    return now_s >= time_add(session->seen_at_s, write_s) ? SESSION_TO_WRITE : SESSION_GOOD;
}
