/* SPDX-License-Identifier: MIT */
/* Login on another device (RFC 8628): a code to type there, and polling here until the person has agreed. */
#include "login.h"

#include "fields.h"
#include "lifetime.h"
#include "str.h"

enum { MS = 1000, SLOWER_S = 5 };

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

static enum paa_result wait(struct paa_op *op, struct login *login);

/* ---- polling ------------------------------------------------------------------------------------ */

static void slow_down(struct login *login, int64_t interval_s)
{
    login->interval_s = interval_s < DEVICE_INTERVAL_MAX_S ? interval_s : DEVICE_INTERVAL_MAX_S;
}

/* RFC 8628 3.5. A server that cannot be asked now may be asked later, at longer intervals. */
static enum paa_result on_answer(struct paa_op *op, enum token_answer answer, uint32_t code,
                                 const struct token_response *response, void *context)
{
    struct login *login = (struct login *)context;

    if (answer == TOKEN_GIVEN)
        return login_keep(op, login, response);
    if (answer == TOKEN_TROUBLE) {
        slow_down(login, 2 * login->interval_s);
        return wait(op, login);
    }
    if (answer == TOKEN_REFUSED && paa_str_eq(response->error, "authorization_pending"))
        return wait(op, login);
    if (answer == TOKEN_REFUSED && paa_str_eq(response->error, "slow_down")) {
        slow_down(login, login->interval_s + SLOWER_S);
        return wait(op, login);
    }
    if (answer == TOKEN_REFUSED && paa_str_eq(response->error, "access_denied"))
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "login-denied",
                                   "the person, or the authorization server, did not agree"));
    if (answer == TOKEN_REFUSED && paa_str_eq(response->error, "expired_token"))
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "login-late", "the code has expired"));
    return login_refused(op, login, answer, code, response);
}

static enum paa_result on_time(struct paa_op *op, enum paa_status status, void *context)
{
    struct login *login = (struct login *)context;

    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE));
    buf_clear(&login->form);
    form_add(&login->form, STR("grant_type"), STR(DEVICE_GRANT));
    form_add(&login->form, STR("device_code"), login->device.device_code);
    return login_redeem(op, login, on_answer);
}

static enum paa_result wait(struct paa_op *op, struct login *login)
{
    const struct paa_host_clock *clock = op->host->clock;

    if (clock->now_ms(op) + login->interval_s * MS > login->ends_ms)
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "login-late",
                                   "nobody has entered the code in time"));
    return clock->after(op, login->interval_s * MS, on_time, login);
}

/* ---- the code ----------------------------------------------------------------------------------- */

static enum paa_result on_asked(struct paa_op *op, enum paa_status status,
                                const struct paa_reply *reply, void *context)
{
    struct login *login = (struct login *)context;

    (void)reply;
    if (status == PAA_STATUS_DENIED)
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "login-denied", "the login was declined"));
    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE));
    return wait(op, login);
}

static enum paa_result ask(struct paa_op *op, struct login *login)
{
    const struct device_response *device = &login->device;
    struct paa_prompt prompt;

    login->interval_s = device->interval_s;
    login->ends_ms = op->host->clock->now_ms(op) + device->expires_in_s * MS;
    paa_init(&prompt, sizeof prompt);
    prompt.kind = PAA_PROMPT_OPEN;
    prompt.text = STR("Log in on any device, and see that it shows this code:");
    prompt.url = device->uri_complete.data != NULL ? device->uri_complete : device->uri;
    prompt.code = device->user_code;
    prompt.expires_in_s = (uint32_t)device->expires_in_s;
    return op->host->conversation->ask(op, &prompt, on_asked, login);
}

static enum paa_result on_codes(struct paa_op *op, enum paa_status status,
                                const struct paa_http_response *response, void *context)
{
    struct login *login = (struct login *)context;
    struct token_memory *memory;
    struct paa_bytes body;
    enum token_answer answer;

    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE));
    memory = login_copy(op, response, &body);
    if (memory == NULL)
        return login_fail(op, login, paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left"));
    answer = device_response_read(response->code, response_field(response, "Content-Type"), body,
                                  memory, &login->device);
    if (answer != TOKEN_GIVEN)
        return login_refused(op, login, answer, response->code, &login->device.refusal);
    return ask(op, login);
}

enum paa_result login_device(struct paa_op *op, struct login *login)
{
    enum paa_result result;

    if (login_endpoint(login, OAUTH_DEVICE).data == NULL)
        return login_fail(op, login,
                          paa_fail(op, PAA_UNAVAILABLE, "login",
                                   "the issuer's metadata names no device_authorization_endpoint: "
                                   "give that option, or log in with a browser"));
    buf_add_str(&login->form, buf_str(&login->self->sends.form));
    if (login->self->sends.client.auth == OAUTH_AUTH_BASIC) /* else it is in the form anyway */
        form_add(&login->form, STR("client_id"), login->self->sends.client.id);
    result = login_call(op, login, OAUTH_DEVICE, on_codes);
    return result == PAA_PENDING ? result : login_fail(op, login, result);
}
