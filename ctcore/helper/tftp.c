/* tftp.c - the transfer that a TFTP request begins (RFC 1350)
 *
 * The request goes to port 69, the answer comes from any other port of the
 * server to the port that asked: nothing in the payload is changed. */
#include "helper/helper.h"

#include <ctcore/wire.h>

enum { READ_REQUEST = 1, WRITE_REQUEST = 2 };

static enum ct_reason tftp_help(const struct helper_call *h)
{
    const struct ct_tuple *reply = &h->c->tuple[CT_DIR_REPLY];
    const struct ct_tuple *orig = &h->c->tuple[CT_DIR_ORIGINAL];
    struct expect_ask ask = {.tuple = *reply,
                             .any_sport = true,
                             .dir = CT_DIR_REPLY,
                             .helper = CT_HELPER_tftp};
    uint32_t len;
    const uint8_t *text = helper_text(h, &len);
    uint16_t code;

    if (h->dir != CT_DIR_ORIGINAL || len < sizeof(struct ct_tftp_header))
        return CT_REASON_NONE;
    code = ct_load16(ct_tftp_view(text)->code);
    if (code != READ_REQUEST && code != WRITE_REQUEST)
        return CT_REASON_NONE;
    ask.tuple.sport = 0;
    ask.translated = helper_translated(h);
    ask.port = orig->sport;
    if (expect_add(&h->ct->expects, table_slot(&h->ct->table, h->c), &ask,
                   &helper_tftp.policy[0], h->ct->now) != EXPECT_MADE)
        return CT_REASON_EXPECT_FULL;
    return CT_REASON_NONE;
}

const struct helper helper_tftp = {
    .id = CT_HELPER_tftp,
    .policy = {{.max = 1, .seconds = 300}},
    .help = tftp_help,
};
