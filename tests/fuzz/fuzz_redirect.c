/* SPDX-License-Identifier: MIT */
/* Parameters that a browser brings back, "name=value" a line: only our state, once, is an answer, and only what can be
 * a code is one. */
#include "authorization.h"
#include "fuzz.h"
#include "str.h"

enum { FIELDS_MAX = 64, FLAG = 1 };

static size_t read_fields(struct paa_str text, struct paa_field *fields)
{
    struct paa_str line;
    size_t count = 0, equals;

    for (; count < FIELDS_MAX && str_next(&text, "\n", &line); count++) {
        equals = str_find(line, '=', 0);
        fields[count].name = str_slice(line, 0, equals);
        fields[count].value = str_slice(line, equals + 1, line.size);
    }
    return count;
}

static size_t times(const struct paa_field *fields, size_t count, const char *name,
                    const char *value)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (paa_str_eq(fields[i].name, name) &&
            (value == NULL || paa_str_eq(fields[i].value, value)))
            found++;
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redirect_rules rules = { STR("S"), STR("https://id.example.com"), false };
    struct paa_field fields[FIELDS_MAX];
    struct redirect redirect;
    enum redirect_verdict verdict;
    size_t count;

    if (size < FLAG)
        return 0;
    rules.names_issuer = (data[0] & 1) != 0;
    count = read_fields(paa_str_of_n((const char *)data + FLAG, size - FLAG), fields);
    verdict = redirect_judge(fields, count, &rules, &redirect);
    HOLDS(redirect_sentence(verdict) != NULL);
    if (verdict != REDIRECT_CODE && verdict != REDIRECT_ERROR)
        return 0;
    HOLDS(times(fields, count, "state", "S") == 1 && times(fields, count, "state", NULL) == 1);
    HOLDS(times(fields, count, "iss", NULL) ==
          times(fields, count, "iss", "https://id.example.com"));
    HOLDS(!rules.names_issuer || times(fields, count, "iss", NULL) == 1);
    HOLDS((verdict == REDIRECT_CODE) == (redirect.code.size > 0));
    HOLDS((verdict == REDIRECT_ERROR) == (redirect.error.size > 0));
    return 0;
}
