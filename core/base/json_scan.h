/* SPDX-License-Identifier: MIT */
/*
 * Where a JSON value (RFC 8259) ends, and whether it is one: for text that is passed on as it stands. Reads no
 * value out of it, and so is no reader: names that come twice, say, are not looked at. Pure.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <paa/types.h>
#include <stdbool.h>

enum { JSON_SCAN_DEPTH_MAX = 16 };

/* Is text one whole value, in UTF-8, with nothing but blanks around it? */
bool json_is_value(struct paa_str text);
/* Of a whole value: is it an array? */
bool json_is_array(struct paa_str text);
/* Takes the next element of an array that json_is_value has judged, without the blanks around it. *rest begins as the
 * array's text. False: no more. */
bool json_element_next(struct paa_str *rest, struct paa_str *ret_element);

#endif
