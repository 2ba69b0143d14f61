/* SPDX-License-Identifier: MIT */
/*
 * The scripted test plugin: its options say, word by word, what each slot does. Built into
 * <build>/tests/plugins/scripted.so, installed nowhere.
 *
 *   instances = { s = { plugin = "<build>/tests/plugins/scripted.so";
 *                       verify = "absent_unless:X-Key after:5*3 scope:a~b who:alice accept"; }; };
 *
 * OPTIONS, one script each, all optional: create lane_init verify attach challenge answered serve describe
 * produce decode finish. Further: table ("none", "state", "trusted": the store words need one), memo_flags
 * (PAA_MEMO_… as a number), path (ENDPOINTs, for serve), signer (a KEY), tls and url (for fetch). Verb: run script="…".
 *
 * A SCRIPT is words parted by blanks, done in order; the first that is a result ends it. "~" in a word
 * stands for a blank, WORD*3 does it three times. At its end: verify, attach accept; serve, verbs
 * and produce (with a product) are done; challenge, answered, describe have nothing to say.
 *
 * KEYS         key_id:FIELD (the signer's id into that field of the request; a status as after a wait)
 *              shows (the signer is the client key; create: that attach will)  shows_fresh (a key that is made,
 *              imported, shown and released)
 * RESULTS      accept absent reject unavailable ignore fault done; with ":reason" through host->fail
 *              pending   PAA_PENDING without a wait
 *              number:N  any number: 0, 99, 12289 (a status)
 * WAITS        after:MS  work:N  blocks:N (N thousand rounds on a worker)  get:KEY  renew:KEY  drop:KEY  put:KEY=VALUE
 *              (memo)  store_get:KEY  store_new:KEY=VALUE  store_put:KEY=VALUE  store_remove:KEY  store_next:PREFIX
 *              store_lock:KEY  body:LIMIT (notes "body")  digest:ALGORITHM (notes "digest" in hex)  fetch:URL  foreign:URL (a fetch; notes "http" as CODE and BODY)
 *              sign:ALGORITHM  read:LIMIT
 *              ask:TEXT ask_secret:TEXT ask_kind:NUMBER (note "reply")  show:TEXT  open:URL  open_uri (the listener's)
 *              redirected (notes each parameter; a verb emits it)
 *              need:STATUS  fault unless the last wait ended so: ok none exists limited unavailable denied
 *              too_large unsupported invalid
 * MISUSE       two_waits  wait_and:RESULT-NUMBER (a result with a wait under way)  openssl (an entry left in the
 *              error queue)  errno (left as E2BIG)
 * TIME         busy:N    N thousand rounds on this thread  remaining:NAME (milliseconds, into that note)
 * LOGIN        listen:PATH or listen:PATH,STATE (note "uri"; a verb emits it)  page:TEXT  page_of_failure:TEXT; `need` judges their statuses too
 * REQUEST      absent_unless:FIELD   script:FIELD (goes on with that field's value as its script, if there)
 *              need_fact:NAME=VALUE  need_header:NAME=VALUE  need_who:SUBJECT (of the first principal, or the caller's)
 * OUTCOME      header:N=V  add:N=V  secret:N=V  lasting:N=V (not copied)  remove:N (of the request)  response:N=V  deny:N=V  both:N=V  cookie:N=V
 *              param:N=V  scope:S client:C issuer:I methods:M expires:S (seconds from now), then who:SUBJECT
 *              or user:SUBJECT (a machine, a person), or lasting_who:SUBJECT (a machine, not copied)
 *              fact:N=V  must_match:ALGORITHM=HEX  note:N=V  retry:MS  credential:VERSION  challenge:SCHEME  redirect:URL  answer:CODE=BODY
 *              metadata:N=JSON  emit:N=V  why:SCHEME (a challenge with all that the core said; goes on)
 *              need_endpoint:OPTION=INDEX (of serve)
 * PRODUCE      usable:S (seconds from now, before product; default 60)  product:VALUE
 * CREATE       reads:header=N  reads:cookie=N  reads:param=N  reads:connection  refuse:TEXT  warn:TEXT; unavailable, invalid or number:N
 *              to return that status
 * LANE_INIT, DECODE   fail
 * ANY          log:TEXT  alloc:SIZE
 * An unknown word is a fault that names it.
 */
#ifndef TESTS_SCRIPTED_H
#define TESTS_SCRIPTED_H

#include <stdatomic.h>

/* All instances together; dlsym "paa_scripted_counts". */
struct scripted_counts {
    atomic_ulong created;
    atomic_ulong destroyed;
    atomic_ulong begun; /* slots of an instance; challenge counts unless verify has run */
    atomic_ulong finished;
    atomic_ulong continued; /* continuations */
    atomic_ulong lane_init; /* that succeeded */
    atomic_ulong lane_done;
    atomic_ulong produced; /* runs of a producer */
    atomic_ulong produce_finished;
    atomic_ulong decoded;  /* objects made */
    atomic_ulong released; /* and given back */
    atomic_ulong worked;
    /* Must stay zero: what the core promised and did not keep. */
    atomic_ulong overlaps;    /* two calls at once on one lane's memory */
    atomic_ulong dirty;       /* state that was not zero at first */
    atomic_ulong wrong_lanes; /* lane memory of another instance, or before its init */
    atomic_ulong late;        /* a continuation after finish, a call after destroy */
};

extern struct scripted_counts paa_scripted_counts;

#endif
