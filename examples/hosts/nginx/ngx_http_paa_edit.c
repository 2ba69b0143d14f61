/* SPDX-License-Identifier: MIT */
/*
 * What PAA changes: header fields and query of a request before it goes on, header fields of the response.
 * Values are copied: they outlive the transaction that named them.
 */
#include "ngx_http_paa.h"

/* Names as gateways read them: without case, and "_", "." as "-". */
static int is_same_name(const ngx_str_t *name, struct paa_str other)
{
    if (name->len != other.size)
        return 0;
    for (size_t i = 0; i < name->len; i++) {
        u_char a = ngx_tolower(name->data[i]);
        u_char b = ngx_tolower((u_char)other.data[i]);

        a = a == '_' || a == '.' ? '-' : a;
        b = b == '_' || b == '.' ? '-' : b;
        if (a != b)
            return 0;
    }
    return 1;
}

/* Never NULL data, as nginx likes it. */
static ngx_int_t copy(ngx_pool_t *pool, struct paa_str from, ngx_str_t *ret_to)
{
    ret_to->len = from.size;
    ret_to->data = ngx_pnalloc(pool, from.size + 1);
    if (ret_to->data == NULL)
        return NGX_ERROR;
    if (from.size > 0)
        ngx_memcpy(ret_to->data, from.data, from.size);
    ret_to->data[from.size] = '\0';
    return NGX_OK;
}

/* ---- fields of the request ------------------------------------------------------------------------------ */

/* nginx keeps, beside the list, a pointer to each field it knows; and arrays of them for two that may repeat. */
static int is_repeated(ngx_uint_t offset)
{
#if nginx_version < 1023000
#if defined(NGX_HTTP_X_FORWARDED_FOR)
    if (offset == offsetof(ngx_http_headers_in_t, x_forwarded_for))
        return 1;
#endif
    return offset == offsetof(ngx_http_headers_in_t, cookies);
#else
    (void)offset;
    return 0;
#endif
}

static void *known_place(ngx_http_request_t *r, const ngx_table_elt_t *element,
                         ngx_uint_t *ret_offset)
{
    ngx_http_core_main_conf_t *core = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    const ngx_http_header_t *known = ngx_hash_find(&core->headers_in_hash, element->hash,
                                                   element->lowcase_key, element->key.len);

    if (known == NULL)
        return NULL;
    *ret_offset = known->offset;
    return (char *)&r->headers_in + known->offset;
}

static void forget_known(ngx_http_request_t *r, const ngx_table_elt_t *element)
{
    ngx_uint_t offset;
    void *place = known_place(r, element, &offset);

    if (place == NULL)
        return;
    if (is_repeated(offset))
        ngx_memzero(place, sizeof(ngx_array_t));
    else
        *(ngx_table_elt_t **)place = NULL;
}

static ngx_int_t remember_known(ngx_http_request_t *r, ngx_table_elt_t *element)
{
    ngx_uint_t offset;
    void *place = known_place(r, element, &offset);
    ngx_array_t *array = place;
    ngx_table_elt_t **slot = place;

    if (place == NULL)
        return NGX_OK;
    if (is_repeated(offset)) {
        if (array->elts == NULL && ngx_array_init(array, r->pool, 1, sizeof *slot) != NGX_OK)
            return NGX_ERROR;
        slot = ngx_array_push(array);
        if (slot == NULL)
            return NGX_ERROR;
    }
    *slot = element;
    return NGX_OK;
}

static size_t count_named(const ngx_list_t *list, struct paa_str name)
{
    size_t count = 0;

    for (const ngx_list_part_t *part = &list->part; part != NULL; part = part->next) {
        const ngx_table_elt_t *elements = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++)
            count += (size_t)is_same_name(&elements[i].key, name);
    }
    return count;
}

/* nginx passes on whatever is in the list, so fields that go must leave it: the rest moves to a new one. Their
 * old places stay readable, since others point there. */
static ngx_int_t remove_field(ngx_http_request_t *r, struct paa_str name)
{
    ngx_list_t old = r->headers_in.headers;
    ngx_list_t *list = &r->headers_in.headers;
    ngx_table_elt_t *kept;

    if (count_named(&old, name) == 0)
        return NGX_OK;
    if (ngx_list_init(list, r->pool, old.nalloc, sizeof *kept) != NGX_OK)
        return NGX_ERROR;
    for (ngx_list_part_t *part = &old.part; part != NULL; part = part->next) {
        ngx_table_elt_t *elements = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (is_same_name(&elements[i].key, name)) {
                forget_known(r, &elements[i]);
                continue;
            }
            kept = ngx_list_push(list);
            if (kept == NULL)
                return NGX_ERROR;
            *kept = elements[i];
        }
    }
    return NGX_OK;
}

static int has_field(const ngx_list_t *list, const struct paa_edit *edit)
{
    for (const ngx_list_part_t *part = &list->part; part != NULL; part = part->next) {
        const ngx_table_elt_t *elements = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++)
            if (is_same_name(&elements[i].key, edit->name) &&
                elements[i].value.len == edit->value.size &&
                ngx_memcmp(elements[i].value.data, edit->value.data, edit->value.size) == 0)
                return 1;
    }
    return 0;
}

static ngx_int_t add_field(ngx_http_request_t *r, const struct paa_edit *edit)
{
    ngx_table_elt_t *element;

    if (has_field(&r->headers_in.headers, edit))
        return NGX_OK; /* by an earlier judgement of the same request */
    element = ngx_list_push(&r->headers_in.headers);
    if (element == NULL)
        return NGX_ERROR;
    ngx_memzero(element, sizeof *element);
    element->lowcase_key = ngx_pnalloc(r->pool, edit->name.size);
    if (element->lowcase_key == NULL || copy(r->pool, edit->name, &element->key) != NGX_OK ||
        copy(r->pool, edit->value, &element->value) != NGX_OK)
        return NGX_ERROR;
    element->hash = ngx_hash_strlow(element->lowcase_key, element->key.data, element->key.len);
    return remember_known(r, element);
}

/* ---- what nginx has read from the request already --------------------------------------------------------- */

static int starts(const ngx_str_t *name, const char *with)
{
    size_t size = ngx_strlen(with);

    return name->len >= size && ngx_strncmp(name->data, with, size) == 0;
}

/* A variable that was used before the access phase (`if`, `set`, a map) holds what the client sent. */
static void forget_variables(ngx_http_request_t *r)
{
    ngx_http_core_main_conf_t *core = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    const ngx_http_variable_t *variables = core->variables.elts;

    for (ngx_uint_t i = 0; i < core->variables.nelts; i++) {
        const ngx_str_t *name = &variables[i].name;

        if (!starts(name, "http_") && !starts(name, "cookie_") && !starts(name, "arg_") &&
            !starts(name, "request_uri"))
            continue;
        r->variables[i].valid = 0;
        r->variables[i].not_found = 0;
    }
}

ngx_int_t ngx_http_paa_edit_request(ngx_http_request_t *r, const struct paa_txn *txn)
{
    const struct paa_edit *edit;
    size_t i;

    for (i = 0; (edit = paa_txn_edit(txn, PAA_MESSAGE_REQUEST, i)) != NULL; i++) {
        if (edit->kind != PAA_EDIT_ADD && remove_field(r, edit->name) != NGX_OK)
            return NGX_ERROR;
        if (edit->kind != PAA_EDIT_REMOVE && add_field(r, edit) != NGX_OK)
            return NGX_ERROR;
    }
    if (i > 0)
        forget_variables(r);
    return NGX_OK;
}

/* ---- the query ---------------------------------------------------------------------------------------------- */

static struct paa_str query_of(struct paa_str target)
{
    const char *mark = memchr(target.data, '?', target.size);

    if (mark == NULL)
        return paa_str_of("");
    return paa_str_of_n(mark + 1, target.size - (size_t)(mark + 1 - target.data));
}

/* A rewrite puts parameters of its own before the client's; only the client's part is replaced. */
static ngx_int_t replace_query(ngx_http_request_t *r, struct paa_str given, struct paa_str edited)
{
    ngx_str_t args = r->args;
    size_t before;

    if (args.len < given.size ||
        ngx_memcmp(args.data + args.len - given.size, given.data, given.size) != 0)
        return args.len == 0 ? NGX_OK
                             : NGX_ERROR; /* the rewrite dropped it; or it cannot be found */
    before = args.len - given.size;
    if (before > 0 && edited.size == 0)
        before--; /* the "&" */
    r->args.data = ngx_pnalloc(r->pool, before + edited.size + 1);
    if (r->args.data == NULL)
        return NGX_ERROR;
    ngx_memcpy(r->args.data, args.data, before);
    ngx_memcpy(r->args.data + before, edited.data, edited.size);
    r->args.len = before + edited.size;
    return NGX_OK;
}

ngx_int_t ngx_http_paa_edit_target(ngx_http_request_t *r, struct paa_str given,
                                   struct paa_str edited)
{
    if (edited.data == NULL ||
        (edited.size == given.size && memcmp(edited.data, given.data, given.size) == 0))
        return NGX_OK;
    if (copy(r->pool, edited, &r->unparsed_uri) != NGX_OK)
        return NGX_ERROR;
    if (edited.data[0] != '/')
        r->valid_unparsed_uri = 0; /* proxy_pass builds its own, then */
    forget_variables(r);
    return replace_query(r, query_of(given), query_of(edited));
}

/* ---- fields of the response ----------------------------------------------------------------------------------- */

static void hide_field(ngx_http_request_t *r, struct paa_str name)
{
    for (ngx_list_part_t *part = &r->headers_out.headers.part; part != NULL; part = part->next) {
        ngx_table_elt_t *elements = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (!is_same_name(&elements[i].key, name))
                continue;
            elements[i].hash = 0;
            if (r->headers_out.location == &elements[i])
                r->headers_out.location = NULL;
        }
    }
}

static ngx_int_t show_field(ngx_http_request_t *r, const struct paa_edit *edit)
{
    ngx_table_elt_t *element = ngx_list_push(&r->headers_out.headers);

    if (element == NULL)
        return NGX_ERROR;
    ngx_memzero(element, sizeof *element);
    if (copy(r->pool, edit->name, &element->key) != NGX_OK ||
        copy(r->pool, edit->value, &element->value) != NGX_OK)
        return NGX_ERROR;
    element->hash = 1;
    return NGX_OK;
}

ngx_int_t ngx_http_paa_edit_response(ngx_http_request_t *r, const struct paa_txn *txn)
{
    const struct paa_edit *edit;

    for (size_t i = 0; (edit = paa_txn_edit(txn, PAA_MESSAGE_RESPONSE, i)) != NULL; i++) {
        if (edit->kind != PAA_EDIT_ADD)
            hide_field(r, edit->name);
        if (edit->kind != PAA_EDIT_REMOVE && show_field(r, edit) != NGX_OK)
            return NGX_ERROR;
    }
    return NGX_OK;
}
