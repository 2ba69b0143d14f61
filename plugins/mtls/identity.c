/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include "cert_chain_inner.h"
#include "codec.h"
#include "spiffe.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct reading { /* what is read of one certificate */
    const X509 *leaf;
    const struct identity_rules *rules;
    GENERAL_NAMES *names; /* NULL: it has no subjectAltName */
    char who[CERTIFICATE_WHO_SIZE];
};

static char *copy_of(struct paa_str text)
{
    char *copy = (char *)calloc(1, text.size + 1);

    if (copy != NULL && text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

static struct cert_chain_finding no_memory(void)
{
    return cert_chain_say(CERT_CHAIN_FAULT, "memory",
                          "no memory is left to read a certificate's names");
}

/* ---- subjectAltName ------------------------------------------------------------------------------ */

static struct cert_chain_finding read_names(struct reading *reading)
{
    int critical = -1;

    reading->names =
        (GENERAL_NAMES *)X509_get_ext_d2i(reading->leaf, NID_subject_alt_name, &critical, NULL);
    if (reading->names != NULL || critical == -1)
        return cert_chain_good();
    return cert_chain_refuse("names", "%s %s", reading->who,
                             critical == -2 ? "has two subjectAltName extensions"
                                            : "has a subjectAltName that cannot be read");
}

static int type_of(enum name_kind kind)
{
    return kind == NAME_URI ? GEN_URI : kind == NAME_DNS ? GEN_DNS : GEN_EMAIL;
}

/* The index-th name of that kind; absent: no more. */
static struct paa_str name_at(const struct reading *reading, enum name_kind kind, size_t index)
{
    int count = reading->names != NULL ? sk_GENERAL_NAME_num(reading->names) : 0;

    for (int i = 0; i < count; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(reading->names, i);

        if (name->type != type_of(kind) || index-- > 0)
            continue;
        return paa_str_of_n((const char *)ASN1_STRING_get0_data(name->d.ia5),
                            (size_t)ASN1_STRING_length(name->d.ia5));
    }
    return STR_NONE;
}

static bool is_listed(const struct name_list *list, enum name_kind kind, struct paa_str name)
{
    for (size_t i = 0; i < list->count; i++)
        if (name_matches(kind, list->patterns[i], name))
            return true;
    return list->count == 0;
}

static const char *word_of(enum name_kind kind)
{
    return kind == NAME_URI ? "URI" : kind == NAME_DNS ? "DNS" : "e-mail";
}

/* The first that the list takes. A name that holds what no such name holds condemns the certificate: somebody may read it
 * in another way. *ret_name absent: it has none of that kind, and none is wanted. */
static struct cert_chain_finding find_name(const struct reading *reading, enum name_kind kind,
                                           const struct name_list *list, bool is_wanted,
                                           struct paa_str *ret_name)
{
    struct paa_str name;
    size_t count = 0;

    *ret_name = STR_NONE;
    while ((name = name_at(reading, kind, count)).data != NULL) {
        bool is_wildcard = kind == NAME_DNS && str_starts(name, STR("*."));

        if (++count > IDENTITY_NAMES_MAX)
            return cert_chain_refuse("names", "%s has more than %d names of one kind", reading->who,
                                     IDENTITY_NAMES_MAX);
        if (!name_is_clean(kind, is_wildcard ? str_slice(name, 2, name.size) : name))
            return cert_chain_refuse("names", "%s has a %s name with bytes that none may hold",
                                     reading->who, word_of(kind));
        if (ret_name->data == NULL && !is_wildcard && is_listed(list, kind, name))
            *ret_name = name;
    }
    if (ret_name->data != NULL || (list->count == 0 && !is_wanted))
        return cert_chain_good();
    return count == 0 ? cert_chain_refuse("identity", "%s has no %s name (subjectAltName)",
                                          reading->who, word_of(kind))
                      : cert_chain_refuse("not-listed", "%s has no %s name that the policy lists",
                                          reading->who, word_of(kind));
}

/* ---- SPIFFE (X509-SVID 2, 4, 5.2) ---------------------------------------------------------------- */

static struct cert_chain_finding check_svid(const struct reading *reading, struct paa_str uri)
{
    uint32_t usage = X509_get_key_usage((X509 *)(uintptr_t)reading->leaf);
    struct spiffe_id id;
    const char *why;

    if (name_at(reading, NAME_URI, 1).data != NULL)
        return cert_chain_refuse("spiffe",
                                 "%s has more than one URI, and an X509-SVID has just one",
                                 reading->who);
    why = spiffe_parse(uri, &id);
    if (why != NULL)
        return cert_chain_refuse("spiffe", "the SPIFFE ID of %s %s", reading->who, why);
    if (id.path.size == 0)
        return cert_chain_refuse("spiffe",
                                 "the SPIFFE ID of %s has no path: it names a trust domain",
                                 reading->who);
    if (usage != UINT32_MAX && (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0)
        return cert_chain_refuse("spiffe",
                                 "%s may sign certificates or lists, and an X509-SVID may not",
                                 reading->who);
    if (!str_eq(id.domain, reading->rules->trust_domain))
        return cert_chain_refuse(
            "trust-domain",
            "the SPIFFE ID of %s is of the trust domain \"%.*s\", and `trust` is "
            "the bundle of \"%.*s\"",
            reading->who, id.domain.size > 100 ? 100 : (int)id.domain.size, id.domain.data,
            STR_ARGS(reading->rules->trust_domain));
    return cert_chain_good();
}

static char *domain_text(struct paa_str domain)
{
    size_t size = sizeof "spiffe://" + domain.size;
    char *text = (char *)calloc(1, size);

    if (text != NULL)
        (void)snprintf(text, size, "spiffe://%.*s", STR_ARGS(domain));
    return text;
}

/* ---- the subject --------------------------------------------------------------------------------- */

static struct cert_chain_finding check_subject(const struct reading *reading, char **ret_text)
{
    const X509_NAME *name = X509_get_subject_name(reading->leaf);

    *ret_text = dn_text(name);
    if (*ret_text == NULL)
        return cert_chain_refuse(
            "names",
            "the distinguished name of %s is longer than 2048 bytes, or holds NUL "
            "or controls",
            reading->who);
    if (reading->rules->subjects.count == 0 ||
        ((*ret_text)[0] != '\0' &&
         is_listed(&reading->rules->subjects, NAME_SUBJECT, paa_str_of(*ret_text))))
        return cert_chain_good();
    return cert_chain_refuse("not-listed",
                             "%s has a distinguished name that the policy does not list",
                             reading->who);
}

static struct cert_chain_finding common_name(const struct reading *reading, char **ret_text)
{
    const X509_NAME *name = X509_get_subject_name(reading->leaf);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *text = NULL;
    int size;

    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return cert_chain_refuse("identity", "%s has %s common name", reading->who,
                                 at < 0 ? "no" : "more than one");
    size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size > 0 && name_is_clean(NAME_SUBJECT, paa_str_of_n((const char *)text, (size_t)size)))
        *ret_text = copy_of(paa_str_of_n((const char *)text, (size_t)size));
    OPENSSL_free(text);
    if (*ret_text != NULL)
        return cert_chain_good();
    return cert_chain_refuse("names", "the common name of %s is empty or no visible ASCII",
                             reading->who);
}

/* ---- the principal's names ----------------------------------------------------------------------- */

/* As it was pinned: a key outlives the certificates that are made for it. */
static char *pin_text(const struct cert_chain_result *chain)
{
    enum { PREFIX = sizeof "sha256:" - 1 };
    const unsigned char *digest =
        chain->pinned == PIN_KEY ? chain->digests.key : chain->digests.certificate;
    char *text = (char *)calloc(1, PREFIX + 2 * PIN_DIGEST_SIZE + 1);

    if (text == NULL)
        return NULL;
    memcpy(text, "sha256:", PREFIX);
    hex_encode(paa_bytes_of(digest, PIN_DIGEST_SIZE), text + PREFIX);
    return text;
}

struct found { /* one name of each kind */
    struct paa_str uri;
    struct paa_str dns;
    struct paa_str email;
    char *dn; /* malloc'ed */
};

static struct cert_chain_finding find_all(const struct reading *reading, struct found *found)
{
    const struct identity_rules *rules = reading->rules;
    bool wants_uri = rules->identity == IDENTITY_SPIFFE || rules->identity == IDENTITY_URI;
    struct cert_chain_finding finding =
        find_name(reading, NAME_URI, &rules->uris, wants_uri, &found->uri);

    if (finding.verdict == CERT_CHAIN_GOOD && rules->identity == IDENTITY_SPIFFE)
        finding = check_svid(reading, found->uri);
    if (finding.verdict == CERT_CHAIN_GOOD)
        finding =
            find_name(reading, NAME_DNS, &rules->dns, rules->identity == IDENTITY_DNS, &found->dns);
    if (finding.verdict == CERT_CHAIN_GOOD)
        finding = find_name(reading, NAME_EMAIL, &rules->emails, rules->identity == IDENTITY_EMAIL,
                            &found->email);
    if (finding.verdict == CERT_CHAIN_GOOD)
        finding = check_subject(reading, &found->dn);
    if (finding.verdict == CERT_CHAIN_GOOD && rules->identity == IDENTITY_SUBJECT &&
        found->dn[0] == '\0')
        return cert_chain_refuse("identity", "%s has an empty distinguished name", reading->who);
    return finding;
}

static struct cert_chain_finding choose(const struct reading *reading,
                                        const struct cert_chain_result *chain, struct found *found,
                                        struct identified *identified)
{
    const struct identity_rules *rules = reading->rules;
    struct cert_chain_finding finding = cert_chain_good();

    switch (rules->identity) {
    case IDENTITY_SPIFFE:
    case IDENTITY_URI:
        identified->subject = copy_of(found->uri);
        break;
    case IDENTITY_DNS:
        identified->subject = copy_of(found->dns);
        break;
    case IDENTITY_EMAIL:
        identified->subject = copy_of(found->email);
        break;
    case IDENTITY_CN:
        finding = common_name(reading, &identified->subject);
        break;
    case IDENTITY_PIN:
        identified->subject = pin_text(chain);
        break;
    case IDENTITY_SUBJECT:
    default:
        identified->subject = found->dn;
        found->dn = NULL;
        break;
    }
    if (finding.verdict == CERT_CHAIN_GOOD && identified->subject == NULL)
        return no_memory();
    return finding;
}

/* Host names do not differ by case, so subjects must not. */
static void lower(char *text)
{
    for (; *text != '\0'; text++)
        *text = char_lower(*text);
}

static struct cert_chain_finding name_issuer(const struct reading *reading,
                                             const struct cert_chain_result *chain,
                                             struct identified *identified)
{
    if (reading->rules->identity == IDENTITY_DNS)
        lower(identified->subject);
    if (chain->certificates == NULL) /* by pin alone: what it says of its issuer is its own word */
        return cert_chain_good();
    identified->issuer = reading->rules->identity == IDENTITY_SPIFFE
                             ? domain_text(reading->rules->trust_domain)
                             : dn_text(X509_get_issuer_name(reading->leaf));
    if (identified->issuer != NULL)
        return cert_chain_good();
    return cert_chain_refuse("names",
                             "the issuer's name of %s is too long, or holds NUL or controls",
                             reading->who);
}

void identity_done(struct identified *identified)
{
    free(identified->subject);
    free(identified->issuer);
    *identified = (struct identified){ NULL, NULL };
}

struct cert_chain_finding identity_of(const struct cert_chain_result *chain,
                                      const struct identity_rules *rules,
                                      struct identified *ret_identified)
{
    struct reading reading = { .leaf = chain->leaf, .rules = rules };
    struct found found = { .dn = NULL };
    struct cert_chain_finding finding;

    *ret_identified = (struct identified){ NULL, NULL };
    ERR_set_mark();
    certificate_who(chain->leaf, reading.who);
    finding = read_names(&reading);
    if (finding.verdict == CERT_CHAIN_GOOD)
        finding = find_all(&reading, &found);
    if (finding.verdict == CERT_CHAIN_GOOD)
        finding = choose(&reading, chain, &found, ret_identified);
    if (finding.verdict == CERT_CHAIN_GOOD)
        finding = name_issuer(&reading, chain, ret_identified);
    GENERAL_NAMES_free(reading.names);
    free(found.dn);
    ERR_pop_to_mark();
    if (finding.verdict != CERT_CHAIN_GOOD)
        identity_done(ret_identified);
    return finding;
}
