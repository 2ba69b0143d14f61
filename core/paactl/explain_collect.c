/* SPDX-License-Identifier: MIT */
/* Copies what paa.h tells of a finished transaction into a struct explanation. */
#include "explain.h"

#include "secret.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

/* The core's struct may be shorter or longer than the one this was compiled with. */
static void copy_known(void *ret_own, size_t own_size, const void *theirs)
{
    uint32_t their_size;

    memcpy(&their_size, theirs, sizeof their_size);
    memset(ret_own, 0, own_size);
    memcpy(ret_own, theirs, their_size < own_size ? their_size : own_size);
}

/* Lists go by index, NULL past the last: get(…, index). */
typedef const void *(*get_fn)(const struct paa_txn *txn, size_t index);

static const void *get_step(const struct paa_txn *txn, size_t index)
{
    return paa_txn_step(txn, index);
}

static const void *get_principal(const struct paa_txn *txn, size_t index)
{
    return paa_txn_principal(txn, index);
}

static const void *get_request_edit(const struct paa_txn *txn, size_t index)
{
    return paa_txn_edit(txn, PAA_MESSAGE_REQUEST, index);
}

/* A request that is not passed on: what would be stripped from it is of no interest. */
static const void *get_nothing(const struct paa_txn *txn, size_t index)
{
    (void)txn;
    (void)index;
    return NULL;
}

static const void *get_response_edit(const struct paa_txn *txn, size_t index)
{
    return paa_txn_edit(txn, PAA_MESSAGE_RESPONSE, index);
}

/* The items one after the other in *ret_items, for the caller to free. */
static bool collect(const struct paa_txn *txn, get_fn get, size_t item_size, void *ret_items,
                    size_t *ret_count)
{
    size_t count = 0;
    char *items;

    while (get(txn, count) != NULL)
        count++;
    items = calloc(count + 1, item_size);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        copy_known(items + i * item_size, item_size, get(txn, i));
    memcpy(ret_items, &items, sizeof items);
    *ret_count = count;
    return true;
}

static bool collect_audit(const struct paa_txn *txn, struct paa_str *ret_audit)
{
    size_t size = paa_txn_audit(txn, NULL, 0);
    char *text = malloc(size + 1);

    if (text == NULL)
        return false;
    (void)paa_txn_audit(txn, text, size + 1);
    *ret_audit = paa_str_of_n(text, size);
    return true;
}

static void collect_notes(struct explanation *explanation, const struct paa_txn *txn)
{
    const struct paa_field *note;

    while (explanation->note_count < NOTES_MAX &&
           (note = paa_txn_note(txn, explanation->note_count)) != NULL)
        explanation->notes[explanation->note_count++] = *note;
}

bool explanation_collect(struct explanation *explanation, struct paa_txn *txn)
{
    const struct paa_rule *rule = paa_txn_rule(txn);
    const struct paa_client_tls *tls = paa_txn_client_tls(txn);
    bool is_allowed = explanation->state == PAA_TXN_ALLOW;

    explanation->has_rule = rule != NULL;
    if (rule != NULL)
        copy_known(&explanation->rule, sizeof explanation->rule, rule);
    explanation->has_tls =
        tls != NULL && !str_eq_nocase(explanation->given->url.scheme, STR("http"));
    if (explanation->has_tls)
        copy_known(&explanation->tls, sizeof explanation->tls, tls);
    copy_known(&explanation->answer, sizeof explanation->answer, paa_txn_answer(txn));
    explanation->target = paa_txn_target(txn);
    collect_notes(explanation, txn);
    return collect(txn, get_step, sizeof *explanation->steps, &explanation->steps,
                   &explanation->step_count) &&
           collect(txn, get_principal, sizeof *explanation->principals, &explanation->principals,
                   &explanation->principal_count) &&
           collect(txn, is_allowed ? get_request_edit : get_nothing,
                   sizeof *explanation->request_edits, &explanation->request_edits,
                   &explanation->request_edit_count) &&
           collect(txn, get_response_edit, sizeof *explanation->response_edits,
                   &explanation->response_edits, &explanation->response_edit_count) &&
           collect_audit(txn, &explanation->audit);
}

void explanation_free(struct explanation *explanation)
{
    char *audit;

    memcpy(&audit, &explanation->audit.data, sizeof audit);
    free(audit);
    free(explanation->steps);
    free(explanation->principals);
    free(explanation->request_edits);
    free(explanation->response_edits);
    secret_wipe(explanation, sizeof *explanation);
}
