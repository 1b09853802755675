/* test_thinking.c - what a model thought, told from what it answers. */
#include "model/thinking.h"
#include "../support.h"

static lg_mem mem; /* malloc */

typedef struct form {
    const char *text, *thinking, *answer; /* thinking NULL: none */
} form;

static const form forms[] = {
    /* nothing to part */
    {"", NULL, ""},
    {"4", NULL, "4"},
    {" \n", NULL, " \n"},
    {" 4 \n", NULL, " 4 \n"},
    {"a < b", NULL, "a < b"},
    {"[1, 2]", NULL, "[1, 2]"},
    {"<b>bold</b>", NULL, "<b>bold</b>"},
    {"<thinker>x</thinker>", NULL, "<thinker>x</thinker>"},
    {"<thi", NULL, "<thi"},
    {"[THIN", NULL, "[THIN"},
    {"<think>", NULL, "<think>"}, /* the tag that was asked for, and nothing thought */
    {"<think> \n", NULL, "<think> \n"},
    {"The tag <think> opens, </think>\ncloses.", NULL, "The tag <think> opens, </think>\ncloses."},
    {"x\n<think>hm</think>\ny", NULL, "x\n<think>hm</think>\ny"},
    {"`<think>` and\n</think>\nare tags", NULL, "`<think>` and\n</think>\nare tags"},
    /* tags at the beginning */
    {"<think>hm</think>4", "hm", "4"},
    {"<think>\nhm\nso\n</think>\n\n4\n", "hm\nso", "4\n"},
    {"\n <think>hm</think>\r\n4", "hm", "4"},
    {"<think></think>4", NULL, "4"},
    {"<think>\n\n</think>\n\n4", NULL, "4"},
    {"<thinking>hm</thinking>4", "hm", "4"},
    {"<reasoning>hm</reasoning>\n4", "hm", "4"},
    {"<thought>hm</thought> 4", "hm", "4"},
    {"[THINK]hm[/THINK]4", "hm", "4"},
    {"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>4", "hm",
     "4"},
    {"<think>a</think>\n<think>b</think>\n4", "a\n\nb", "4"},
    {"<think>a</think><reasoning>b</reasoning>4", "a\n\nb", "4"},
    {"<think>a</think>4 <think>b</think>", "a", "4 <think>b</think>"},
    {"<think>a</think>The </think>\ntag", "a", "The </think>\ntag"},
    {"<think>a<think>b</think>4", "a<think>b", "4"},
    {"<think>a</thinking>b</think>4", "a</thinking>b", "4"},
    {"<think>a</think><thi", "a", "<thi"},
    {"<think>größer</think>北京", "größer", "北京"},
    /* no answer */
    {"<think>hm</think>", "hm", ""},
    {"<think>hm</think>\n", "hm", ""},
    {"<think>hm", "hm", ""},
    {"<think>hm</thi", "hm</thi", ""},
    {"<think>a</think><think>b", "a\n\nb", ""},
    /* tags that a script may have asked for are thinking only before an answer */
    {"<reasoning>hm</reasoning>", NULL, "<reasoning>hm</reasoning>"},
    {"<reasoning>hm", NULL, "<reasoning>hm"},
    {"\n<thought>hm</thought>\n", NULL, "\n<thought>hm</thought>\n"},
    {"<think>a</think>\n<thought>b</thought>", "a", "<thought>b</thought>"},
    {"<think>a</think>\n<thought>b", "a", "<thought>b"},
    /* the template opened it */
    {"hm\n</think>\n\n4", "hm", "4"},
    {"hm\n </think> \r\n4", "hm", "4"},
    {"hm.</think>\n\n4", "hm.", "4"},
    {"嗯。</think>\n4", "嗯。", "4"},
    {"hm\n</think>", "hm", ""},
    {"hm\n</think>\n", "hm", ""},
    {"\n</think>\n4", NULL, "4"},
    {"</think>4", NULL, "4"},
    {"</think>\n\n4", NULL, "4"},
    {"a </think> tag,\nand\n</think>\n4", "a </think> tag,\nand", "4"},
    {"hm\n</think>\n<think>more</think>\n4", "hm\n\nmore", "4"},
    {"hm\n```\nx\n```\n</think>\n4", "hm\n```\nx\n```", "4"},
    {"a < b\n</think>\n4", "a < b", "4"},
    /* and here it did not */
    {"</think>", NULL, "</think>"},
    {"</think> closes it", NULL, "</think> closes it"},
    {"hm</think>\n4", NULL, "hm</think>\n4"},
    {"hm.</think>4", NULL, "hm.</think>4"},
    {"end with </think>\nthen", NULL, "end with </think>\nthen"},
    {"end with `</think>`\nthen", NULL, "end with `</think>`\nthen"},
    {"print(\"</think>\")\n", NULL, "print(\"</think>\")\n"},
    {"say\n</think> tags\n", NULL, "say\n</think> tags\n"},
    {"so:\n```\n</think>\n```\n", NULL, "so:\n```\n</think>\n```\n"},
    {"so:\n  ~~~xml\n</think>\n~~~\n", NULL, "so:\n  ~~~xml\n</think>\n~~~\n"},
    {"hm\n</thinking>\n4", NULL, "hm\n</thinking>\n4"},
};
static const form cuts[] = {
    /* ended at a limit */
    {"<think>hm", "hm", ""},         {"<think>", NULL, ""},
    {"<think>hm</think>", "hm", ""}, {"hm\n</think>", "hm", ""},
    {"<reasoning>hm", "hm", ""},     {"<reasoning>hm</reasoning>", "hm", ""},
};
enum { N_FORMS = sizeof forms / sizeof *forms, N_CUTS = sizeof cuts / sizeof *cuts };

static const form *form_at(size_t i)
{
    return i < N_FORMS ? &forms[i] : &cuts[i - N_FORMS];
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMS + N_CUTS; i++) {
        const form *f = form_at(i);
        lg_bytes thought;
        size_t len = strlen(f->text);
        char *exact = malloc(len ? len : 1); /* a read beyond it shows */
        memcpy(exact, f->text, len);
        lg__bytes_init(&thought, &mem, LG_BYTES_MAX);
        size_t from = lg__thinking_part(exact, len, i >= N_FORMS, &thought);
        if (strcmp(f->text + from, f->answer) != 0)
            fail_msg("\"%s\": the answer is \"%s\"", f->text, f->text + from);

        if (strcmp(thought.data ? thought.data : "", f->thinking ? f->thinking : "") != 0)
            fail_msg("\"%s\": thinking is \"%s\"", f->text, thought.data ? thought.data : "");

        lg__bytes_free(&thought);
        free(exact);
    }
}

/* ---- as it grows ---------------------------------------------------------- */

static uint64_t seed = 5;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (size_t)(seed >> 33) % n;
}

static bool begins_open(const char *text)
{
    static const char *const tags[] = {"<think>",     "<thinking>", "[THINK]",
                                       "<reasoning>", "<thought>",  "<|channel|>"};
    bool found = false;
    text += strspn(text, " \r\n");
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        found = found || strncmp(text, tags[i], strlen(tags[i])) == 0;

    return found;
}

/* What is shown of a text that comes in pieces. It is the beginning of the answer; only what
 * stood before a closing tag that none had opened may be taken back. step 0: of random size. */
static void check_growing(const char *text, bool cut, size_t step)
{
    lg_thinking t = {.from = 0};
    lg_bytes thought;
    size_t len = strlen(text), shown = 0, begin = 0, back = 0;
    lg__bytes_init(&thought, &mem, LG_BYTES_MAX);
    size_t from = lg__thinking_part(text, len, cut, &thought);
    for (size_t n = 0; n < len;) {
        size_t more = step ? step : 1 + below(7);
        n = len - n < more ? len : n + more;
        char *exact = malloc(n);
        memcpy(exact, text, n);
        lg__thinking_look(&t, exact, n);
        free(exact);
        size_t now = lg__thinking_is_told(&t) && n > t.from ? n - t.from : 0;
        back += now > 0 && shown > 0 && t.from != begin;
        if (now > 0)
            begin = t.from;

        shown = now;
    }
    bool bare = from > 0 && !begins_open(text);
    if (back > (bare ? 1 : 0) || (shown > 0 && begin != from && !(begin == 0 && bare))) {
        fail_msg("\"%s\" by %zu: from %zu, not %zu; taken back %zu times", text, step, begin, from,
                 back);
    }

    lg__bytes_free(&thought);
}

static void test_growing(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMS + N_CUTS; i++) {
        for (size_t step = 0; step < 20; step++)
            check_growing(form_at(i)->text, i >= N_FORMS, step);
    }
}

/* Texts of pieces that matter, in any order. */
static void test_any_text(void **state)
{
    static const char *const pieces[] = {
        "<think>", "</think>", "<", "</", "<thi",       "nk>",          "<reasoning>",
        "\n",      " ",        ".", "a",  "</think>\n", "</reasoning>", "[THINK]",
        "```\n",   "hm",       "`", "北", "<thought>",  "</thought>",   "[/THINK]"};
    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        char text[400] = "";
        for (size_t n = below(12); n > 0; n--)
            strcat(text, pieces[below(sizeof pieces / sizeof *pieces)]);

        check_growing(text, below(2), round % 3);
    }
}

/* A server that says all that was said so far again, from its beginning. */
static void test_said_again(void **state)
{
    (void)state;
    lg_thinking t = {.from = 0};
    lg__thinking_look(&t, "<think>hm</think>so", 19);
    assert_true(lg__thinking_is_told(&t));
    lg__thinking_look(&t, "<th", 3);
    assert_false(lg__thinking_is_told(&t));
    lg__thinking_look(&t, "<thorn>", 7);
    assert_true(lg__thinking_is_told(&t));
    assert_int_equal(t.from, 0);
}

/* Each byte is looked at a bounded number of times, whatever there is. */
static void test_long_texts(void **state)
{
    enum { N = 1 << 20 };
    static const char *const made_of[] = {
        "<", "</think> ", "a</think>", "\n```\n", "\n</think> x", "<think", ".</think> "};
    (void)state;
    char *text = malloc(N);
    for (size_t k = 0; k < sizeof made_of / sizeof *made_of; k++) {
        size_t n = strlen(made_of[k]);
        for (size_t i = 0; i < N; i++)
            text[i] = made_of[k][i % n];

        lg_bytes thought;
        lg_thinking t = {.from = 0};
        lg__bytes_init(&thought, &mem, LG_BYTES_MAX);
        lg__thinking_part(text, N, false, &thought);
        for (size_t len = 0; len <= N; len += 64)
            lg__thinking_look(&t, text, len);

        lg__bytes_free(&thought);
    }
    free(text);
}

static void test_pieces_join(void **state)
{
    (void)state;
    lg_bytes b;
    lg__bytes_init(&b, &mem, LG_BYTES_MAX);
    lg__thinking_add(&b, " \n", 2);
    assert_int_equal(b.len, 0);
    lg__thinking_add(&b, " a ", 3);
    lg__thinking_add(&b, "", 0);
    lg__thinking_add(&b, "b\n", 2);
    assert_string_equal(b.data, "a\n\nb");
    lg__bytes_adds(&b, "\n\n");
    lg_text *t = lg__thinking_text(&b);
    assert_string_equal(t->data, "a\n\nb");
    lg__text_unref(t);
    lg__bytes_free(&b);
    assert_int_equal(mem.live_blocks, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_forms),      cmocka_unit_test(test_growing),
    cmocka_unit_test(test_any_text),   cmocka_unit_test(test_said_again),
    cmocka_unit_test(test_long_texts), cmocka_unit_test(test_pieces_join),
};

int main(void)
{
    support_start();
    lg__mem_init(&mem, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
