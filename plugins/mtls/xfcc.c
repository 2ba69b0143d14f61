/* SPDX-License-Identifier: MIT */
/*
 * presented.h's X-Forwarded-Client-Cert:
 *   field   = element *( OWS "," OWS element )      one a hop, the nearest proxy's last
 *   element = pair *( ";" pair )
 *   pair    = token "=" ( value / DQUOTE *( char / "\" char ) DQUOTE )
 * Of the keys, Cert and Chain hold what can be verified: percent-encoded PEM. Hash, Subject, URI, DNS and By are the
 * proxy's word only.
 */
#include "fields.h"
#include "presented.h"
#include "str.h"

enum { ELEMENTS_MAX = 16 };

struct element { /* what is used of one; absent: not there */
    struct paa_str cert;
    struct paa_str chain;
};

static const char malformed[] = "is not written as Envoy writes it";

/* Quoted: unescaped into memory. */
static const char *read_quoted(struct paa_str *rest, unsigned char **memory,
                               struct paa_str *ret_value)
{
    unsigned char *to = *memory;
    size_t i = 1;

    while (i < rest->size && rest->data[i] != '"') {
        if (rest->data[i] == '\\') {
            i++;
            if (i == rest->size || (rest->data[i] != '"' && rest->data[i] != '\\'))
                return malformed;
        }
        *to++ = (unsigned char)rest->data[i++];
    }
    if (i >= rest->size)
        return "holds a quote without its end";
    *ret_value = paa_str_of_n((const char *)*memory, (size_t)(to - *memory));
    *memory = to;
    *rest = str_slice(*rest, i + 1, rest->size);
    return NULL;
}

static const char *read_value(struct paa_str *rest, unsigned char **memory,
                              struct paa_str *ret_value)
{
    size_t i = 0;

    if (rest->size > 0 && rest->data[0] == '"')
        return read_quoted(rest, memory, ret_value);
    while (i < rest->size && rest->data[i] != ',' && rest->data[i] != ';') {
        if (rest->data[i] == '"' || rest->data[i] == '\\')
            return malformed;
        i++;
    }
    *ret_value = str_trim(str_slice(*rest, 0, i));
    *rest = str_slice(*rest, i, rest->size);
    return NULL;
}

static const char *read_pair(struct paa_str *rest, unsigned char **memory, struct element *element)
{
    size_t equals = str_find(*rest, '=', 0);
    struct paa_str key = str_slice(*rest, 0, equals), value = STR_NONE, *place;
    const char *why;

    if (equals == rest->size || !is_token(key))
        return malformed;
    *rest = str_slice(*rest, equals + 1, rest->size);
    why = read_value(rest, memory, &value);
    place = str_eq_nocase(key, STR("Cert"))    ? &element->cert
            : str_eq_nocase(key, STR("Chain")) ? &element->chain
                                               : NULL;
    if (why != NULL || place == NULL)
        return why;
    if (place->data != NULL)
        return "names the certificate twice in one element";
    *place = value;
    return NULL;
}

static const char *read_element(struct paa_str *rest, unsigned char **memory,
                                struct element *element)
{
    const char *why;

    memset(element, 0, sizeof *element);
    while ((why = read_pair(rest, memory, element)) == NULL && rest->size > 0 &&
           rest->data[0] == ';')
        *rest = str_slice(*rest, 1, rest->size);
    *rest = str_trim(*rest);
    return why != NULL || rest->size == 0 || rest->data[0] == ',' ? why : malformed;
}

/* Chain holds the leaf too, and where both came it must be the same. */
static const char *take(const struct element *element, unsigned char *memory,
                        struct presented *presented)
{
    struct presented chain = { .count = 0 };
    const char *why;

    if (element->cert.data == NULL && element->chain.data == NULL)
        return "names a certificate without showing it: let the proxy send Cert";
    if (element->chain.data == NULL)
        return pem_field_read(element->cert, memory, presented);
    why = pem_field_read(element->chain, memory, &chain);
    memory += 2 * element->chain.size;
    if (why == NULL && element->cert.data != NULL)
        why = pem_field_read(element->cert, memory, presented);
    if (why != NULL)
        return why;
    if (element->cert.data != NULL &&
        (presented->count != 1 || presented->der[0].size != chain.der[0].size ||
         memcmp(presented->der[0].data, chain.der[0].data, chain.der[0].size) != 0))
        return "shows one certificate as Cert and another one first in Chain";
    *presented = chain;
    return NULL;
}

const char *xfcc_read(struct paa_str value, unsigned char *memory, struct presented *presented)
{
    struct paa_str rest = str_trim(value);
    struct element element;
    const char *why;

    for (size_t count = 0; count < ELEMENTS_MAX; count++) {
        why = read_element(&rest, &memory, &element);
        if (why != NULL)
            return why;
        if (rest.size == 0)
            return take(&element, memory, presented);
        rest = str_trim(str_slice(rest, 1, rest.size));
    }
    return "holds more than 16 elements";
}
