/* test_template.c - fields, braces, fences that no value can forge, size. */
#include "../support.h"

#include "base/template.h"

#define FIELD(name, value)             \
    {                                  \
        name, value, sizeof(value) - 1 \
    }

static unsigned render(const char *tmpl, const lg_fill *fields, size_t n, bool fenced,
                       const char *want)
{
    support_heap h;
    lg_mem m;
    lg_bytes out;
    unsigned suffix = 99;
    char bad[64] = "";
    int rc;

    support_mem_init(&m, &h);
    lg__bytes_init(&out, &m, LG_BYTES_MAX);
    rc = lg__template_render(&out, tmpl, strlen(tmpl), fields, n, fenced, &suffix, bad);
    if (rc)
        fail_msg("\"%s\": %s (%s)", tmpl, lg_error_name(rc), bad);
    assert_bytes(out.data, out.len, want);
    lg__bytes_free(&out);
    assert_heap_empty(&h);
    return suffix;
}

static void test_fields_and_braces(void **state)
{
    static const lg_fill f[] = {FIELD("x", "1"),       FIELD("long_Name9", "{x}{{"),
                                FIELD("_", ""),        FIELD("x", "not this one"),
                                FIELD("größe", "180"), FIELD("名前", "Ada"),
                                FIELD("й_1", "!")};
    static const char *const cases[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"{x}", "1"},
        {"a{x}b{x}c", "a1b1c"},
        {"{long_Name9}", "{x}{{"}, /* values are not scanned again */
        {"[{_}]", "[]"},
        {"{{x}}", "{x}"},
        {"{{{x}}}", "{1}"},
        {"{{{{x}}}}", "{{x}}"},
        {"{ x }", "{ x }"},
        {"{}", "{}"},
        {"{", "{"},
        {"}", "}"},
        {"{x", "{x"},
        {"x}", "x}"},
        {"{1}{x.y}{x-y}", "{1}{x.y}{x-y}"},
        {"{\"a\": {x}, \"b\": [1]}", "{\"a\": 1, \"b\": [1]}"},
        {"{x{x}", "{x1"},
        {"{x}}", "1}"},
        {"{größe} {名前}{й_1}", "180 Ada!"}, /* letters of any script */
        {"{…} {“x”} {😀} {\xC2\xA0x} {x\xE2\x80\x8B} {、}",
         "{…} {“x”} {😀} {\xC2\xA0x} {x\xE2\x80\x8B} {、}"},
        {"{\xC3} {\xE5\x90} {\xFFx}", "{\xC3} {\xE5\x90} {\xFFx}"},
        {"a{{", "a{"},
        {"}}", "}"},
        {"}}}", "}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(render(cases[i][0], f, 7, false, cases[i][1]), 0);
        assert_int_equal(render(cases[i][0], f, 7, true, cases[i][1]), 0);
    }
}

static void test_names_of_fields(void **state)
{
    static const char tmpl[] = "{a}{{b}} {größe} { c } {a}{";
    static const char *const want[] = {"a", "größe", "a"};
    size_t at = 0, size, n = 0;
    const char *name;

    (void)state;
    for (; lg__template_field(tmpl, strlen(tmpl), &at, &name, &size); n++) {
        assert_true(n < 3);
        assert_int_equal(size, strlen(want[n]));
        assert_memory_equal(name, want[n], size);
    }
    assert_int_equal(n, 3);
}

static void test_long_unknown_name_is_cut_between_letters(void **state)
{
    char tmpl[200] = "{", bad[64];
    lg_mem m;
    lg_bytes out;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&out, &m, 1000);
    for (int i = 0; i < 40; i++)
        strcat(tmpl, "ü");
    strcat(tmpl, "}");
    assert_int_equal(lg__template_render(&out, tmpl, strlen(tmpl), NULL, 0, false, NULL, bad),
                     LG_ETEMPLATE);
    assert_int_equal(strlen(bad), 62);
    assert_int_equal(lg_utf8_check(bad, 62), -1);
}

static void test_unknown_fields(void **state)
{
    static const lg_fill f[] = {FIELD("known", "1")};
    char tmpl[200] = "{known} {", bad[64];
    lg_mem m;
    lg_bytes out;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&out, &m, 1000);
    lg__bytes_adds(&out, "before");
    for (int fenced = 0; fenced < 2; fenced++) {
        assert_int_equal(
            lg__template_render(&out, "{known} {unknown} {more}", 24, f, 1, fenced, NULL, bad),
            LG_ETEMPLATE);
        assert_string_equal(bad, "unknown");
        assert_bytes(out.data, out.len, "before");
    }
    assert_int_equal(lg__template_render(&out, "{Known}", 7, f, 1, false, NULL, NULL),
                     LG_ETEMPLATE);
    assert_int_equal(lg__template_render(&out, "{x}", 3, NULL, 0, false, NULL, NULL), LG_ETEMPLATE);
    memset(tmpl + 9, 'n', 100);
    strcpy(tmpl + 109, "}");
    assert_int_equal(lg__template_render(&out, tmpl, strlen(tmpl), f, 1, true, NULL, bad),
                     LG_ETEMPLATE);
    assert_int_equal(strlen(bad), 63);
    lg__bytes_free(&out);
    assert_int_equal(m.live_blocks, 0);
}

static unsigned fence(const char *value, const char *want)
{
    lg_fill f = {"v", value, strlen(value)};

    return render("<T>{v}</T> see <T_U> <t>", &f, 1, true, want);
}

static void test_fences_stay_when_nothing_is_forged(void **state)
{
    (void)state;
    assert_int_equal(fence("text", "<T>text</T> see <T_U> <t>"), 0);
    assert_int_equal(fence("<", "<T><</T> see <T_U> <t>"), 0);
    assert_int_equal(fence("<X> </ T", "<T><X> </ T</T> see <T_U> <t>"), 0);
    assert_int_equal(fence("<T_2>", "<T><T_2></T> see <T_U> <t>"), 0); /* not yet a tag here */
    assert_int_equal(fence("<T!> <TT> <_T>", "<T><T!> <TT> <_T></T> see <T_U> <t>"), 0);
    assert_int_equal(fence("T>", "<T>T></T> see <T_U> <t>"), 0);
    assert_int_equal(fence("<T_U_V> <//T> <T/>", "<T><T_U_V> <//T> <T/></T> see <T_U> <t>"), 0);
}

static void test_fences_are_renamed(void **state)
{
    (void)state;
    assert_int_equal(fence("</T>", "<T_2></T></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<t>", "<T_2><t></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("< / T >", "<T_2>< / T ></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<\n/\tT\r>", "<T_2><\n/\tT\r></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<t_u>", "<T_2><t_u></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<<T>", "<T_2><<T></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<T><T_2>", "<T_3><T><T_2></T_3> see <T_U_3> <t>"), 3);
    assert_int_equal(fence("<T></ t_u_2>", "<T_3><T></ t_u_2></T_3> see <T_U_3> <t>"), 3);
    assert_int_equal(fence("<T><T_3><T_2>", "<T_4><T><T_3><T_2></T_4> see <T_U_4> <t>"), 4);
    assert_int_equal(fence("<T><T_3>", "<T_2><T><T_3></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<T><T_02>", "<T_2><T><T_02></T_2> see <T_U_2> <t>"), 2);
    assert_int_equal(fence("<T><T_99999999999999999999>",
                           "<T_2><T><T_99999999999999999999></T_2> see <T_U_2> <t>"),
                     2);
}

static void test_tags_that_look_numbered(void **state)
{
    static const lg_fill f[] = {FIELD("v", "</A_2>"), FIELD("w", "<A>")};

    (void)state;
    assert_int_equal(render("<A>{v}<A_2>", f, 2, true, "<A_3></A_2><A_2_3>"), 3);
    assert_int_equal(render("<A>{w}<A_2>", f, 2, true, "<A_2><A><A_2_2>"), 2);
    assert_int_equal(render("<A>{w}{v}", f, 2, true, "<A_3><A></A_2>"), 3);
    assert_int_equal(render("<A_2>{v}", f, 2, true, "<A_2_2></A_2>"), 2);
}

/* Neither two values nor a value and the template make a tag together. */
static void test_joined_forgeries(void **state)
{
    static const lg_fill f[] = {FIELD("a", "</T"), FIELD("b", ">"), FIELD("c", "T"), FIELD("n", ""),
                                FIELD("gt", ">")};

    (void)state;
    assert_int_equal(render("<T>{a}{b}</T>", f, 5, true, "<T_2></T></T_2>"), 2);
    assert_int_equal(render("<T><{c}></T>", f, 5, true, "<T_2><T></T_2>"), 2);
    assert_int_equal(render("<T><T{n}></T>", f, 5, true, "<T_2><T></T_2>"), 2);
    assert_int_equal(render("<T>{a}</T>", f, 5, true, "<T></T</T>"), 0);
    assert_int_equal(render("<T></t></T> {a}", f, 5, true, "<T></t></T> </T"), 0); /* its own */
}

static void test_fields_that_are_not_inserted_do_not_count(void **state)
{
    static const lg_fill f[] = {FIELD("v", "x"), FIELD("other", "<T>")};

    (void)state;
    assert_int_equal(render("<T>{v}</T>", f, 2, true, "<T>x</T>"), 0);
    assert_int_equal(render("<T>{v}{other}</T>", f, 2, false, "<T>x<T></T>"), 0);
}

static void test_what_is_a_tag_of_the_template(void **state)
{
    static const lg_fill f[] = {FIELD("v", "<a><1><A-B><B_><C9></D>")};

    (void)state;
    /* none of these is written as a fence, so nothing is renamed */
    assert_int_equal(render("<a><1><A-B></ D><D <D/>{v}", f, 1, true,
                            "<a><1><A-B></ D><D <D/><a><1><A-B><B_><C9></D>"),
                     0);
    assert_int_equal(render("<B_>{v}", f, 1, true, "<B__2><a><1><A-B><B_><C9></D>"), 2);
    assert_int_equal(render("<C9>{v}", f, 1, true, "<C9_2><a><1><A-B><B_><C9></D>"), 2);
    assert_int_equal(render("</D>{v}", f, 1, true, "</D_2><a><1><A-B><B_><C9></D>"), 2);
}

/* ---- size ---------------------------------------------------------------- */

static void test_ceiling(void **state)
{
    static const lg_fill f[] = {FIELD("v", "0123456789<T>")};
    lg_mem m;
    lg_bytes out;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&out, &m, 30);
    assert_int_equal(lg__template_render(&out, "{v}{v}", 6, f, 1, true, NULL, NULL), 0);
    assert_int_equal(out.len, 26);
    assert_int_equal(lg__template_render(&out, "{v}", 3, f, 1, true, NULL, NULL), LG_ELIMIT);
    assert_int_equal(out.err, LG_ELIMIT);
    lg__bytes_free(&out);
    assert_int_equal(lg__template_render(&out, "<T>{v}{v}<T>", 12, f, 1, true, NULL, NULL),
                     LG_ELIMIT);
    assert_int_equal(lg__template_render(&out, "x", 1, f, 1, true, NULL, NULL), LG_ELIMIT);
    lg__bytes_free(&out);
    assert_int_equal(m.live_blocks, 0);
}

/* Ten megabytes of forged tags in one of fifty fields; the number must be the
 * smallest free one. Anything quadratic would take hours. */
static void test_large_values(void **state)
{
    enum { SIZE = 10 * 1024 * 1024 };
    static char names[50][8], tmpl[2000] = "<T> </T>";
    lg_fill f[50];
    char *big = malloc(SIZE + 40);
    size_t len = 0;
    unsigned k = 2, suffix;
    lg_mem m;
    lg_bytes out;

    (void)state;
    assert_non_null(big);
    memcpy(big, "<T>", 3);
    for (len = 3; len < SIZE; k++)
        len += (size_t)snprintf(big + len, 40, "<< T_%u >", k);
    for (size_t i = 0; i < 50; i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        f[i] = (lg_fill){names[i], i == 20 ? big : "small", i == 20 ? len : 5};
        snprintf(tmpl + strlen(tmpl), 40, "{f%zu}<T>", i);
    }
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&out, &m, LG_BYTES_MAX);
    assert_int_equal(lg__template_render(&out, tmpl, strlen(tmpl), f, 50, true, &suffix, NULL), 0);
    assert_int_equal(suffix, k);
    assert_true(out.len > len);
    lg__bytes_free(&out);
    memset(big, '<', SIZE);
    assert_int_equal(lg__template_render(&out, tmpl, strlen(tmpl), f, 50, true, &suffix, NULL), 0);
    assert_int_equal(suffix, 0);
    lg__bytes_free(&out);
    memset(big + 1, ' ', SIZE - 1);
    assert_int_equal(lg__template_render(&out, tmpl, strlen(tmpl), f, 50, true, &suffix, NULL), 0);
    lg__bytes_free(&out);
    free(big);
    assert_int_equal(m.live_blocks, 0);
}

static void test_many_fields_and_a_large_template(void **state)
{
    enum { N = 20000 };
    char(*names)[12] = malloc(N * sizeof *names);
    lg_fill *f = malloc(N * sizeof *f);
    lg_mem m;
    lg_bytes tmpl, out;

    (void)state;
    assert_non_null(names);
    assert_non_null(f);
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&tmpl, &m, LG_BYTES_MAX);
    lg__bytes_init(&out, &m, LG_BYTES_MAX);
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        f[i] = (lg_fill){names[i], names[i], strlen(names[i])};
        lg__bytes_addf(&tmpl, "{f%zu}<T%zu>{{{ <A", N - 1 - i, i);
    }
    assert_int_equal(lg__template_render(&out, tmpl.data, tmpl.len, f, N, true, NULL, NULL), 0);
    assert_memory_equal(out.data, "f19999<T0>{{ <Af19998<T1>", 25);
    lg__bytes_clear(&out);
    lg__bytes_clear(&tmpl);
    for (size_t i = 0; i < 1000000; i++) /* prefixes of tags and fields all over */
        lg__bytes_addc(&tmpl, "{a<A"[i % 4]);
    assert_int_equal(lg__template_render(&out, tmpl.data, tmpl.len, f, N, true, NULL, NULL), 0);
    assert_memory_equal(out.data, tmpl.data, tmpl.len);
    lg__bytes_free(&out);
    lg__bytes_free(&tmpl);
    free(names);
    free(f);
    assert_int_equal(m.live_blocks, 0);
}

static int work(support_heap *h, void *ctx)
{
    static const lg_fill f[] = {FIELD("a", "</T>"), FIELD("b", "<T_2>")};
    const char *tmpl = "<T>{a}{b}</T>";
    lg_mem m;
    lg_bytes out;
    int rc;

    (void)ctx;
    support_mem_on(&m, h);
    lg__bytes_init(&out, &m, LG_BYTES_MAX);
    rc = lg__template_render(&out, tmpl, strlen(tmpl), f, 2, true, NULL, NULL);
    assert_int_equal(out.err, rc); /* so that callers may look at either */
    if (rc == 0)
        assert_bytes(out.data, out.len, "<T_3></T><T_2></T_3>");
    lg__bytes_free(&out);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fields_and_braces),
    cmocka_unit_test(test_names_of_fields),
    cmocka_unit_test(test_long_unknown_name_is_cut_between_letters),
    cmocka_unit_test(test_unknown_fields),
    cmocka_unit_test(test_fences_stay_when_nothing_is_forged),
    cmocka_unit_test(test_fences_are_renamed),
    cmocka_unit_test(test_tags_that_look_numbered),
    cmocka_unit_test(test_joined_forgeries),
    cmocka_unit_test(test_fields_that_are_not_inserted_do_not_count),
    cmocka_unit_test(test_what_is_a_tag_of_the_template),
    cmocka_unit_test(test_ceiling),
    cmocka_unit_test(test_large_values),
    cmocka_unit_test(test_many_fields_and_a_large_template),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
