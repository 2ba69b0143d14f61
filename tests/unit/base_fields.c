/* SPDX-License-Identifier: MIT */
/* fields.h: names, values, credentials, challenges, cookies, queries. */
#include "fields.h"
#include "str.h"
#include "test.h"

static struct arena arena;
static struct buf buf;

__attribute__((constructor)) static void open_memory(void)
{
    arena_init(&arena, NULL, 0, 1024 * 1024);
    buf_init(&buf, 64 * 1024);
}

__attribute__((destructor)) static void close_memory(void)
{
    arena_free(&arena);
    buf_free(&buf);
}

/* Eight and thirty-two bytes at a time must find what one at a time would. */
TEST(a_control_is_found_wherever_it_stands_and_nothing_else_is)
{
    enum { SIZE_MAX_TRIED = 300 };
    char text[SIZE_MAX_TRIED + 1];

    for (size_t size = 1; size <= SIZE_MAX_TRIED; size += size < 140 ? 1 : 23)
        for (size_t at = 0; at < size; at += 1 + size / 70)
            for (unsigned byte = 0; byte < 256; byte++) {
                bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
                bool is_blank = byte == ' ' || byte == '\t';
                bool is_outer = at == 0 || at == size - 1;

                memset(text, 'a', size);
                text[at] = (char)byte;
                if (is_field_value(paa_str_of_n(text, size)) ==
                    (is_control || (is_blank && is_outer)))
                    TEST_FAIL("byte %u at %zu of %zu", byte, at, size);
            }
}

TEST(obs_text_and_tabs_hide_no_control)
{
    char text[100];

    memset(text, 0xc3, sizeof text);
    text[50] = '\t';
    CHECK(is_field_value(paa_str_of_n(text, sizeof text)));
    for (size_t at = 0; at < sizeof text; at++) {
        char before = text[at];

        text[at] = '\n';
        CHECK(!is_field_value(paa_str_of_n(text, sizeof text)));
        text[at] = before;
    }
}

TEST(tokens_and_values_are_what_rfc_9110_says)
{
    CHECK(is_token(STR("X-API-Key")));
    CHECK(is_token(STR("!#$%&'*+-.^_`|~09azAZ")));
    CHECK(!is_token(STR("")));
    CHECK(!is_token(STR("a b")));
    CHECK(!is_token(STR("a:b")));
    CHECK(!is_token(paa_str_of_n("a\0", 2)));
    CHECK(!is_token(STR("\xc3")));
    CHECK(is_field_value(STR("")));
    CHECK(is_field_value(STR("a \t\xff b")));
    CHECK(!is_field_value(STR(" a")));
    CHECK(!is_field_value(STR("a\t")));
    CHECK(!is_field_value(STR("a\r\nB: c")));
    CHECK(!is_field_value(paa_str_of_n("a\0b", 3)));
    CHECK(!is_field_value(STR("a\x7f")));
    CHECK(!is_field_value(STR_NONE));
}

TEST(a_token68_is_of_its_characters_with_equals_signs_at_its_end_only)
{
    CHECK(is_token68(STR("a")));
    CHECK(is_token68(STR("abc/+~==")));
    CHECK(!is_token68(STR("")));
    CHECK(!is_token68(STR("=")));
    CHECK(!is_token68(STR("a=b")));
    CHECK(!is_token68(paa_str_of_n("abcd\0", 5)));
    for (unsigned c = 0; c < 256; c++) {
        char text[5] = { 'a', 'b', (char)c, 'd', 'e' };
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       (c != '\0' && strchr("-._~+/", (int)c) != NULL);

        CHECK_INT(is_token68(paa_str_of_n(text, sizeof text)), is_good);
    }
}

TEST(names_that_cgi_makes_one_are_the_same)
{
    CHECK(field_name_same(STR("X-User-Id"), STR("x_user.ID")));
    CHECK(!field_name_same(STR("X-User"), STR("X-Users")));
    CHECK(!field_name_same(STR("X-User"), STR("X+User")));
    CHECK(!field_name_same(STR("a^"), STR("a~")));
    CHECK(field_name_same(STR_NONE, STR_NONE));
}

TEST(names_that_are_the_same_hash_the_same)
{
    static const char name[] = "X-Forwarded_Client.Cert-Chain-Of.The_Peer";

    CHECK(field_name_hash(STR("")) != 0);
    for (size_t from = 0; from < 12; from++) {
        for (size_t size = 0; from + size < sizeof name; size++) {
            char other[sizeof name];

            for (size_t i = 0; i < size; i++) {
                char c = name[from + i];

                other[i] = c == '-' ? '_' : c == '_' ? '.' : c == '.' ? '-' : char_lower(c);
            }
            CHECK_INT(field_name_hash(paa_str_of_n(name + from, size)),
                      field_name_hash(paa_str_of_n(other, size)));
        }
    }
}

TEST(common_names_hash_apart)
{
    static const char *const names[] = { "host",
                                         "cookie",
                                         "accept",
                                         "accept-encoding",
                                         "origin",
                                         "accept-language",
                                         "authorization",
                                         "x-api-key",
                                         "range",
                                         "user-agent",
                                         "content-type",
                                         "content-length",
                                         "te",
                                         "connection",
                                         "referer",
                                         "x-request-id",
                                         "dpop",
                                         "a",
                                         "b" };
    size_t count = sizeof names / sizeof names[0];

    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            CHECK(field_name_hash(paa_str_of(names[i])) != field_name_hash(paa_str_of(names[j])));
}

TEST(credentials_are_what_follows_the_scheme)
{
    CHECK_STR(credentials_of(STR("Bearer abc"), STR("bearer")), "abc");
    CHECK_STR(credentials_of(STR("bEARER \t abc "), STR("Bearer")), "abc");
    CHECK_STR(credentials_of(STR("Bearer"), STR("Bearer")), "");
    CHECK_STR(credentials_of(STR("Bearer  "), STR("Bearer")), "");
    CHECK(credentials_of(STR("Bearerx"), STR("Bearer")).data == NULL);
    CHECK(credentials_of(STR("Basic abc"), STR("Bearer")).data == NULL);
    CHECK(credentials_of(STR_NONE, STR("Bearer")).data == NULL);
}

TEST(challenges_quote_their_values)
{
    struct paa_field params[] = { paa_field_of("realm", "a \"b\" \\c"), paa_field_of("scope", NULL),
                                  paa_field_of("error", "") };

    buf_clear(&buf);
    CHECK(challenge_write(&buf, STR("Bearer"), STR_NONE, params, 3));
    CHECK_STR(buf_str(&buf), "Bearer realm=\"a \\\"b\\\" \\\\c\", error=\"\"");
    buf_clear(&buf);
    CHECK(challenge_write(&buf, STR("Negotiate"), STR("abc+/=="), NULL, 0));
    CHECK(challenge_write(&buf, STR("X"), STR_NONE, NULL, 0));
    CHECK_STR(buf_str(&buf), "Negotiate abc+/==X");
}

TEST(malformed_challenges_write_nothing)
{
    struct paa_field bad_name = paa_field_of("re alm", "x");
    struct paa_field bad_value = paa_field_of("realm", "x\r\nSet-Cookie: a=b");
    struct paa_field good = paa_field_of("realm", "x");

    buf_clear(&buf);
    CHECK(!challenge_write(&buf, STR("Bea rer"), STR_NONE, NULL, 0));
    CHECK(!challenge_write(&buf, STR("Bearer"), STR_NONE, &bad_name, 1));
    CHECK(!challenge_write(&buf, STR("Bearer"), STR_NONE, &bad_value, 1));
    CHECK(!challenge_write(&buf, STR("Bearer"), STR(""), NULL, 0));
    CHECK(!challenge_write(&buf, STR("Bearer"), STR("a=b"), NULL, 0));
    CHECK(!challenge_write(&buf, STR("Bearer"), STR("a b"), NULL, 0));
    CHECK(!challenge_write(&buf, STR("Bearer"), STR("abc"), &good, 1));
    CHECK_INT(buf.size, 0);
}

TEST(cookies_are_found_by_name_and_index)
{
    struct paa_str value = STR("a=1; sid=x;sid = \"y\" ;; b; aa=2; e=");

    CHECK_STR(cookie_find(value, STR("a"), 0), "1");
    CHECK_STR(cookie_find(value, STR("sid"), 0), "x");
    CHECK_STR(cookie_find(value, STR("sid"), 1), "\"y\"");
    CHECK(cookie_find(value, STR("sid"), 2).data == NULL);
    CHECK_STR(cookie_find(value, STR("e"), 0), "");
    CHECK(cookie_find(value, STR("b"), 0).data == NULL);
    CHECK(cookie_find(value, STR("SID"), 0).data == NULL);
    CHECK(cookie_find(STR_NONE, STR("a"), 0).data == NULL);
}

TEST(a_removed_cookie_is_gone_in_every_form)
{
    struct paa_str value = STR("a=1; sid=x;sid = \"y\" ;sid;b=2");
    struct arena none;

    CHECK_STR(cookie_without(value, STR("sid"), &arena), "a=1; b=2");
    CHECK(cookie_without(value, STR("si"), &arena).data == value.data);
    CHECK(cookie_without(STR("sid=1"), STR("sid"), &arena).data == NULL);
    CHECK_STR(cookie_without(STR("a;b;c;x=1"), STR("x"), &arena), "a; b; c");
    arena_init(&none, NULL, 0, 0);
    CHECK(cookie_without(value, STR("sid"), &none).data == NULL);
    arena_free(&none);
}

TEST(cookie_values_are_octets_or_quoted_octets)
{
    CHECK(is_cookie_value(STR("")));
    CHECK(is_cookie_value(STR("\"a=b\"")));
    CHECK(!is_cookie_value(STR("\"")));
    CHECK(!is_cookie_value(STR("a;b")));
    CHECK(!is_cookie_value(STR("a b")));
    CHECK(!is_cookie_value(STR("a,b")));
    CHECK(!is_cookie_value(STR("\xc3")));
    CHECK(!is_cookie_value(STR_NONE));
}

TEST(query_parameters_are_found_decoded)
{
    struct paa_str query = STR("a=1&acc%65ss_token=x%2by+z&b&a=%zz&&c=");

    CHECK_STR(query_find(query, STR("a"), 0, &arena), "1");
    CHECK_STR(query_find(query, STR("a"), 1, &arena), "%zz");
    CHECK_STR(query_find(query, STR("access_token"), 0, &arena), "x+y z");
    CHECK_STR(query_find(query, STR("b"), 0, &arena), "");
    CHECK_STR(query_find(query, STR("c"), 0, &arena), "");
    CHECK(query_find(query, STR("d"), 0, &arena).data == NULL);
    CHECK(query_find(query, STR("access"), 0, &arena).data == NULL);
    CHECK(query_find(STR_NONE, STR("a"), 0, &arena).data == NULL);
    CHECK_STR(query_find(STR("a=%4"), STR("a"), 0, &arena), "%4");
}

TEST(a_form_is_read_member_by_member)
{
    struct paa_str rest = STR("&a=1+2&&b%3D=%26&c&=d&a=");
    static const char *const expected[][2] = {
        { "a", "1 2" }, { "b=", "&" }, { "c", "" }, { "", "d" }, { "a", "" }
    };
    struct paa_field field;

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        REQUIRE(form_next(&rest, &arena, &field));
        CHECK_STR(field.name, expected[i][0]);
        CHECK_STR(field.value, expected[i][1]);
    }
    CHECK(!form_next(&rest, &arena, &field));
}

TEST(a_removed_parameter_is_gone_in_every_spelling)
{
    struct paa_str query = STR("key=1&a=%61&k%65y=2&key&b");

    CHECK_STR(query_without(query, STR("key"), &arena), "a=%61&b");
    CHECK(query_without(query, STR("ke"), &arena).data == query.data);
    CHECK(query_without(STR("key=1"), STR("key"), &arena).data == NULL);
}

TEST(forms_are_percent_encoded)
{
    buf_clear(&buf);
    form_add(&buf, STR("grant_type"), STR("client credentials"));
    form_add(&buf, STR("a&b"), STR("\xc3\xa9-._~+/="));
    CHECK_STR(buf_str(&buf), "grant_type=client%20credentials&a%26b=%C3%A9-._~%2B%2F%3D");
}

TEST(safe_methods_are_named_in_capitals)
{
    CHECK(method_is_safe(STR("GET")) && method_is_safe(STR("HEAD")));
    CHECK(method_is_safe(STR("OPTIONS")) && method_is_safe(STR("TRACE")));
    CHECK(!method_is_safe(STR("get")) && !method_is_safe(STR("POST")));
    CHECK(!method_is_safe(STR("GETX")) && !method_is_safe(STR_NONE));
}
