/* test_model_alias.c - names of one model, and of two. */
#include "../support.h"

#include "model/model_alias.h"

typedef struct pair {
    const char *asked, *said;
} pair;

static void check(const pair *list, size_t n, bool other)
{
    for (size_t i = 0; i < n; i++) {
        if (lg__model_is_other(list[i].asked, list[i].said) != other)
            fail_msg("asked %s, said %s", list[i].asked, list[i].said);
    }
}

static void test_one_model_has_many_names(void **state)
{
    (void)state;
    static const pair same[] = {
        {"gpt-4o", "gpt-4o"},
        {"gpt-4o", "gpt-4o-2024-08-06"},
        {"gpt-4o", "GPT-4o"},
        {"gpt-3.5-turbo", "gpt-35-turbo"},
        {"gpt-3.5-turbo", "gpt-3.5-turbo-0125"},
        {"gpt-4", "gpt-4-0613"},
        {"o1", "o1-2024-12-17"},
        {"claude-sonnet-4-0", "claude-sonnet-4-20250514"},
        {"claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"},
        {"us.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet-20241022"},
        {"gemini-flash-latest", "gemini-2.5-flash-preview-09-2025"},
        {"gemini-2.5-flash", "models/gemini-2.5-flash"},
        {"gemini-2.5-flash", "gemini-2.5-flash-001"},
        {"mistral-small-latest", "mistral-small-2409"},
        {"anthropic/claude-3.5-haiku", "claude-3-5-haiku-20241022"},
        {"claude-3.5-haiku", "anthropic/claude-3.5-haiku"},
        {"meta-llama/llama-3.1-8b-instruct:free", "meta-llama/llama-3.1-8b-instruct"},
        {"Qwen/Qwen3-8B", "Qwen3-8B-Q4_K_M.gguf"},
        {"qwen3", "qwen3:latest"},
        {"qwen3", "qwen3:8b"},
        {"llama3.1", "Meta-Llama-3.1-8B-Instruct-Q4_K_M"},
        {"qwen2.5-7b-instruct", "/models/qwen2.5-7b-instruct-q4_k_m.gguf"},
        {"qwen2.5-7b-instruct", "C:\\models\\Qwen2.5-7B-Instruct-GGUF\\q8_0.gguf"},
        {"Qwen/Qwen2.5-7B", "/cache/models--Qwen--Qwen2.5-7B/snapshots/0a1b2c3d4e5f"},
        {"llama-3.3-70b", "meta-llama/Llama-3.3-70B-Instruct-FP8"},
        {"deepseek/deepseek-chat", "deepseek/deepseek-chat-v3-0324"},
        {"openrouter/auto", "openai/gpt-4o-mini"},
        {"default", "qwen3"},
        {"local-model", "qwen3"},
        {"qwen3", "model.gguf"},
        {"qwen3", "ggml-model-q4_0.gguf"},
        {"qwen3", "sha256-dde5aa3fc5ffc17176b5e8bdc82f587b24b2678c6c66101bf7da77af9f7ccdff"},
        {"qwen3", ""},
        {"text-embedding-3-small", "text-embedding-3-small"},
    };
    check(same, sizeof same / sizeof *same, false);
}

static void test_other_models(void **state)
{
    (void)state;
    static const pair others[] = {
        {"gpt-4o", "gpt-4o-mini"},
        {"gpt-4o-mini", "gpt-4o"},
        {"gpt-4", "gpt-4o"},
        {"gpt-4", "gpt-4.1"},
        {"o3", "o3-mini"},
        {"gpt-4o-mini", "qwen2.5-7b-instruct-q4_k_m.gguf"},
        {"gpt-3.5-turbo", "/models/Meta-Llama-3.1-8B-Instruct.gguf"},
        {"llama3", "llama3.1"},
        {"llama-3.1-8b", "llama-3.1-70b"},
        {"qwen3:8b", "qwen3:0.6b"},
        {"claude-opus-4-1", "claude-sonnet-4-20250514"},
        {"gemini-2.5-pro", "gemini-2.5-flash"},
        {"mistral-small", "mistral-large-2411"},
        {"no-such-model", "Qwen3-8B"},
        {"openai/gpt-oss-120b", "openai/gpt-oss-20b"},
        {"text-embedding-3-small", "text-embedding-3-large"},
    };
    check(others, sizeof others / sizeof *others, true);
}

static void test_names_without_end(void **state)
{
    (void)state;
    char name[2000];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_false(lg__model_is_other("gpt-4o", name));
    assert_false(lg__model_is_other(name, "gpt-4o"));
    for (size_t i = 1; i < 150; i += 2)
        name[i] = '-';

    name[150] = '\0';
    assert_false(lg__model_is_other("gpt-4o", name)); /* too many words */
    assert_false(lg__model_is_other("/", "///"));
    assert_false(lg__model_is_other("\xC3\xA4", "\xC3\xB6"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_model_has_many_names),
        cmocka_unit_test(test_other_models),
        cmocka_unit_test(test_names_without_end),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
