/* provider_words.c - see provider_words.h: the tables, and how they are looked through. */
#include "model/provider_words.h"

#include <string.h>
#include <strings.h>

#include "lunagrad.h"
#include "model/reply.h"

enum {
    LOOK = 8192,    /* bytes of a text that are looked at */
    ANYTHING = 80,  /* bytes that * stands for, at most */
    NAME_MAX_ = 120 /* … and % */
};

/* ---- codes and types, whole -------------------------------------------- */

typedef struct code_row {
    const char *word;
    int code;
} code_row;

static const code_row codes[] = {
    {"insufficient_quota", LG_EMONEY},
    {"credit_balance_exhausted", LG_EMONEY},
    {"billing_hard_limit_reached", LG_EMONEY},
    {"billing_not_active", LG_EMONEY},
    {"billing_error", LG_EMONEY},
    {"insufficient_balance", LG_EMONEY},
    {"insufficient_credits", LG_EMONEY},
    {"payment_required", LG_EMONEY},
    {"enforced_spend_limit_reached", LG_EMONEY},
    {"contract_spend_limit_reached", LG_EMONEY},
    {"billing_disabled", LG_EMONEY},
    {"invalid_api_key", LG_EAUTH},
    {"api_key_invalid", LG_EAUTH},
    {"authentication_error", LG_EAUTH},
    {"permission_error", LG_EAUTH},
    {"permission_denied", LG_EAUTH},
    {"unauthenticated", LG_EAUTH},
    {"unauthorized", LG_EAUTH},
    {"content_filter", LG_EREFUSED},
    {"content_policy_violation", LG_EREFUSED},
    {"moderation_blocked", LG_EREFUSED},
    {"context_length_exceeded", LG_ECONTEXT},
    {"context_window_exceeded", LG_ECONTEXT},
    {"exceed_context_size_error", LG_ECONTEXT},
    {"request_too_large", LG_ECONTEXT},
    {"model_not_found", LG_ENOMODEL},
    {"not_found_error", LG_ENOMODEL},
    {"not_found", LG_ENOMODEL},
    {"rate_limit_exceeded", LG_ERATE},
    {"rate_limit_error", LG_ERATE},
    {"resource_exhausted", LG_ERATE},
    {"not_supported_error", LG_EBADREQUEST}, /* llama.cpp, under 501 */
    {"server_error", LG_EOVERLOAD},
    {"internal_error", LG_EOVERLOAD},
    {"api_error", LG_EOVERLOAD},
    {"overloaded_error", LG_EOVERLOAD},
    {"unavailable", LG_EOVERLOAD},
    {"timeout_error", LG_ETIMEOUT},
    {"deadline_exceeded", LG_ETIMEOUT},
};

/* Of these a part is enough: "integer_above_max_value". */
static const code_row field_codes[] = {
    {"above_max", -1},        {"below_min", -1},
    {"invalid_type", -1},     {"unsupported_parameter", 1},
    {"unsupported_value", 1}, {"unknown_parameter", 1},
    {"extra_forbidden", 1},
};

/* ---- messages ---------------------------------------------------------- */

static const lg_wording wordings[] = {
    /* what the whole of it means */
    {LG_SAYS_PHRASE, "exceeded your current quota", LG_EMONEY, NULL},
    {LG_SAYS_PHRASE, "insufficient balance", LG_EMONEY, NULL},
    {LG_SAYS_PHRASE, "insufficient credits", LG_EMONEY, NULL},
    {LG_SAYS_PHRASE, "credit balance is too low", LG_EMONEY, NULL},
    {LG_SAYS_PHRASE, "api key not valid", LG_EAUTH, NULL},
    {LG_SAYS_PHRASE, "incorrect api key", LG_EAUTH, NULL},
    {LG_SAYS_PHRASE, "invalid api key", LG_EAUTH, NULL},
    {LG_SAYS_PHRASE, "maximum context length", LG_ECONTEXT, NULL},
    {LG_SAYS_PHRASE, "maximum prompt length", LG_ECONTEXT, NULL}, /* xAI */
    {LG_SAYS_PHRASE, "exceeds the maximum number of tokens", LG_ECONTEXT, NULL},
    {LG_SAYS_PHRASE, "exceed context limit", LG_ECONTEXT, NULL},
    {LG_SAYS_PHRASE, "context length exceeded", LG_ECONTEXT, NULL},
    {LG_SAYS_PHRASE, "exceeds the available context size", LG_ECONTEXT, NULL}, /* llama.cpp */
    {LG_SAYS_PHRASE, "prompt is too long", LG_ECONTEXT, NULL},
    {LG_SAYS_PHRASE, "input is too long for", LG_ECONTEXT, NULL},                     /* Bedrock */
    {LG_SAYS_PHRASE, "is longer than the model's context length", LG_ECONTEXT, NULL}, /* SGLang */
    {LG_SAYS_PHRASE, "tokens + `max_new_tokens` must be", LG_ECONTEXT, NULL},         /* TGI */
    {LG_SAYS_PHRASE, "tokens in the prompt cannot exceed", LG_ECONTEXT, NULL},        /* Cohere */
    {LG_SAYS_PHRASE, "too large for model with", LG_ECONTEXT, NULL},                  /* Mistral */
    {LG_SAYS_PHRASE, "exceeded model token limit", LG_ECONTEXT, NULL},                /* Moonshot */
    {LG_SAYS_PHRASE, "when context the overflows", LG_ECONTEXT, NULL},        /* LM Studio */
    {LG_SAYS_PHRASE, "reduce the length of the messages", LG_ECONTEXT, NULL}, /* Groq */

    /* it is the value: nothing is left out */
    {LG_SAYS_VALUE, "invalid schema for", 0, NULL}, /* OpenAI, of response_format and tools */
    {LG_SAYS_VALUE, "expected a value", 0, NULL},
    {LG_SAYS_VALUE, "must be between", 0, NULL},
    {LG_SAYS_VALUE, "must be one of", 0, NULL}, /* Groq, of an effort */
    {LG_SAYS_VALUE, "must be less", 0, NULL},
    {LG_SAYS_VALUE, "must be greater", 0, NULL},
    {LG_SAYS_VALUE, "should be less", 0, NULL}, /* pydantic */
    {LG_SAYS_VALUE, "should be greater", 0, NULL},
    {LG_SAYS_VALUE, "must be in the range", 0, NULL},
    {LG_SAYS_VALUE, "out of range", 0, NULL},
    {LG_SAYS_VALUE, "is too large", 0, NULL},
    {LG_SAYS_VALUE, "at the same time is not supported", 0,
     NULL},                                               /* two fields, one of them good */
    {LG_SAYS_VALUE, "cannot both be specified", 0, NULL}, /* Anthropic: which one? */

    /* a field; % and @ say which, in the order of how sure they are */
    {LG_SAYS_FIELD, "unrecognized request argument supplied: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized request arguments supplied: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized request parameter: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized parameter: %", 0, NULL},
    {LG_SAYS_FIELD, "unsupported parameter: %", 0, NULL},
    {LG_SAYS_FIELD, "unsupported parameters: %", 0, NULL},
    {LG_SAYS_FIELD, "unsupported parameter(s): %", 0, NULL}, /* NVIDIA NIM */
    {LG_SAYS_FIELD, "unsupported value: %", 0, NULL},
    {LG_SAYS_FIELD, "unsupported argument: %", 0, NULL},
    {LG_SAYS_FIELD, "unsupported field: %", 0, NULL},
    {LG_SAYS_FIELD, "unsupported option: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized field: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized field %", 0, NULL},             /* Java's reader of JSON */
    {LG_SAYS_FIELD, "unrecognized key(s) in object: %", 0, NULL}, /* Zod */
    {LG_SAYS_FIELD, "unrecognized keys: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized key: %", 0, NULL},
    {LG_SAYS_FIELD, "unexpected parameter: %", 0, NULL},
    {LG_SAYS_FIELD, "unexpected field: %", 0, NULL},
    {LG_SAYS_FIELD, "unexpected property: %", 0, NULL},
    {LG_SAYS_FIELD, "unknown key: %", 0, NULL},
    {LG_SAYS_FIELD, "unknown parameter: %", 0, NULL},
    {LG_SAYS_FIELD, "unknown parameters: %", 0, NULL},
    {LG_SAYS_FIELD, "unknown parameter %", 0, NULL},
    {LG_SAYS_FIELD, "unknown argument: %", 0, NULL},
    {LG_SAYS_FIELD, "unknown argument %", 0, NULL},
    {LG_SAYS_FIELD, "unknown field: %", 0, NULL},
    {LG_SAYS_FIELD, "unknown field %", 0, NULL}, /* Go's and Rust's readers of JSON */
    {LG_SAYS_FIELD, "unknown name %: cannot find field", 0, NULL}, /* Google */
    {LG_SAYS_FIELD, "unknown name % at 'generation_config'", 0, NULL},
    {LG_SAYS_FIELD, "parameter % is not a valid field", 0, NULL}, /* Cohere */
    {LG_SAYS_FIELD, "unexpected keyword argument %", 0, NULL},
    {LG_SAYS_FIELD, "extraneous key % is not permitted", 0, NULL},        /* Bedrock */
    {LG_SAYS_FIELD, "extra inputs are not permitted, field: %", 0, NULL}, /* Fireworks */
    {LG_SAYS_FIELD, "%: extra inputs are not permitted", 0, NULL},        /* Anthropic, Azure */
    {LG_SAYS_FIELD, "% extra inputs are not permitted", 0, NULL}, /* NIM: "body -> n\n  Extra…" */
    {LG_SAYS_FIELD, "'extra_forbidden', 'loc': ('body', %)", 0, NULL}, /* vLLM */
    {LG_SAYS_FIELD, "additional properties are not allowed (%", 0, NULL},
    {LG_SAYS_FIELD, "property % is unsupported", 0, NULL}, /* Groq, Cerebras */
    {LG_SAYS_FIELD, "property % is not supported", 0, NULL},
    {LG_SAYS_FIELD, "property % should not exist", 0, NULL},
    {LG_SAYS_FIELD, "argument not supported on this model: %", 0, NULL}, /* xAI */
    {LG_SAYS_FIELD, "argument not supported: %", 0, NULL},
    {LG_SAYS_FIELD, "does not support parameter %", 0, NULL},
    {LG_SAYS_FIELD, "does not support parameters: %", 0, NULL}, /* LiteLLM */
    {LG_SAYS_FIELD, "does not support the parameter %", 0, NULL},
    {LG_SAYS_FIELD, "does not support the % parameter", 0, NULL},
    {LG_SAYS_FIELD, "doesn't support the % parameter", 0, NULL},
    {LG_SAYS_FIELD, "doesn't support the % field", 0, NULL}, /* Bedrock */
    {LG_SAYS_FIELD, "does not support setting %", 0, NULL},
    {LG_SAYS_FIELD, "doesn't support %=", 0, NULL}, /* LiteLLM: "temperature=0.1" */
    {LG_SAYS_FIELD, "don't support %=", 0, NULL},
    {LG_SAYS_FIELD, "parameter % is not supported", 0, NULL},
    {LG_SAYS_FIELD, "parameters not supported: %", 0, NULL},
    {LG_SAYS_FIELD, "parameters are not supported: %", 0, NULL},
    {LG_SAYS_FIELD, "additional property % is not allowed", 0, NULL},
    {LG_SAYS_FIELD, "does not accept the % parameter", 0, NULL},
    {LG_SAYS_FIELD, "does not accept parameter %", 0, NULL},
    {LG_SAYS_FIELD, "does not accept the % argument", 0, NULL},
    {LG_SAYS_FIELD, "doesn't support the % param", 0, NULL},
    {LG_SAYS_FIELD, "does not support the % param", 0, NULL},
    {LG_SAYS_FIELD, "doesn't support parameter %", 0, NULL},
    {LG_SAYS_FIELD, "% argument is not supported", 0, NULL},
    {LG_SAYS_FIELD, "parameter % is not allowed", 0, NULL},
    {LG_SAYS_FIELD, "parameter % not allowed", 0, NULL},
    {LG_SAYS_FIELD, "parameter % is not recognized", 0, NULL},
    {LG_SAYS_FIELD, "property % is not defined and the schema does not allow", 0, NULL},
    {LG_SAYS_FIELD, "parameters are not recognized: %", 0, NULL},
    {LG_SAYS_FIELD, "parameters are not recognised: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognised parameter: %", 0, NULL},
    {LG_SAYS_FIELD, "unrecognised field: %", 0, NULL},
    {LG_SAYS_FIELD, "% parameter is not supported", 0, NULL},
    {LG_SAYS_FIELD, "% parameter not supported", 0, NULL},
    {LG_SAYS_FIELD, "% is not a valid parameter", 0, NULL},
    {LG_SAYS_FIELD, "% is not available for this model", 0, NULL},
    {LG_SAYS_FIELD, "% is not a supported parameter", 0, NULL},
    {LG_SAYS_FIELD, "% is not supported for this model", 0, NULL},
    {LG_SAYS_FIELD, "% is not supported with this model", 0, NULL},
    {LG_SAYS_FIELD, "% is not supported by this model", 0, NULL},
    {LG_SAYS_FIELD, "% is not supported on this model", 0, NULL},
    {LG_SAYS_FIELD, "% is not supported in this model", 0, NULL},
    {LG_SAYS_FIELD, "% is not enabled for models/", 0, NULL}, /* Google */
    {LG_SAYS_FIELD, "% is deprecated for this model", 0, NULL},
    {LG_SAYS_FIELD, "% may only be set to", 0, NULL}, /* Anthropic, when it thinks */
    {LG_SAYS_FIELD, "invalid %: only * is allowed for this model", 0, NULL}, /* Moonshot */
    {LG_SAYS_FIELD, "^%: * not support", 0, NULL}, /* Anthropic: "output_config.effort: …" */
    {LG_SAYS_FIELD, "^%: * not permitted", 0, NULL},
    {LG_SAYS_FIELD, "^%: * deprecated", 0, NULL},
    {LG_SAYS_FIELD, "@ is not supported", 0, NULL},
    {LG_SAYS_FIELD, "@ not supported", 0, NULL},
    {LG_SAYS_FIELD, "@ is unsupported", 0, NULL},
    {LG_SAYS_FIELD, "@ is not permitted", 0, NULL},
    {LG_SAYS_FIELD, "@ is not allowed", 0, NULL},
    {LG_SAYS_FIELD, "@ is deprecated", 0, NULL},
    /* described, not named */
    {LG_SAYS_FIELD, "does not support thinking", 0, "think"},                /* Ollama */
    {LG_SAYS_FIELD, "thinking level is not supported", 0, "thinkingConfig"}, /* Google */
    {LG_SAYS_FIELD, "thinking budget is not supported", 0, "thinkingConfig"},
    {LG_SAYS_FIELD, "does not support the effort parameter", 0, "effort"}, /* Anthropic */
    {LG_SAYS_FIELD, "effort parameter", 0, "effort"},
    /* said of the field that the error names beside its message */
    {LG_SAYS_FIELD, "unsupported", 0, NULL},
    {LG_SAYS_FIELD, "not supported", 0, NULL},
    {LG_SAYS_FIELD, "not support", 0, NULL},
    {LG_SAYS_FIELD, "deprecated", 0, NULL},
    {LG_SAYS_FIELD, "unknown", 0, NULL},
    {LG_SAYS_FIELD, "unrecognized", 0, NULL},
    {LG_SAYS_FIELD, "not permitted", 0, NULL},
    {LG_SAYS_FIELD, "not allowed", 0, NULL},
    {LG_SAYS_FIELD, "unexpected", 0, NULL},
    {LG_SAYS_FIELD, "use * instead", 0, NULL},

    {LG_SAYS_INSTEAD, "use % instead", 0, NULL},
    {LG_SAYS_INSTEAD, "use the % parameter instead", 0, NULL},

    /* an answer's form: what is left of it */
    {LG_SAYS_FORMAT, "response_format type is unavailable", LG_LEARN_OBJECT, NULL}, /* DeepSeek */
    {LG_SAYS_FORMAT, "response_format.type `json_schema` is unavailable", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "type 'json_schema' is not supported", LG_LEARN_OBJECT, NULL}, /* OpenAI */
    {LG_SAYS_FORMAT, "not support response format `json_schema`", LG_LEARN_OBJECT, NULL}, /* Groq */
    {LG_SAYS_FORMAT, "response_format value as json_schema is enabled only", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "response_format* allowed values ['text','json_object']", LG_LEARN_OBJECT,
     NULL},
    {LG_SAYS_FORMAT, "input should be 'text' or 'json_object'", LG_LEARN_OBJECT, NULL}, /* vLLM */
    {LG_SAYS_FORMAT, "unknown variant `json_schema`", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "json_schema is not supported", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "json_schema response format is not supported", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "not support structured output", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "structured outputs are not supported", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "json_object response format is not supported", LG_LEARN_WORDS, NULL},
    {LG_SAYS_FORMAT, "structured output is not supported", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "structured outputs is not supported", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "not support structured_outputs", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "must be 'text' or 'json_object'", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "must be 'json_object' or 'text'", LG_LEARN_OBJECT, NULL},
    {LG_SAYS_FORMAT, "'response_format.type' must be 'json_schema'", LG_LEARN_WORDS,
     NULL},                                                             /* LM S. */
    {LG_SAYS_FORMAT, "json mode is not enabled", LG_LEARN_WORDS, NULL}, /* Google's Gemma */
    {LG_SAYS_FORMAT, "json mode is not supported", LG_LEARN_WORDS, NULL},
    {LG_SAYS_FORMAT, "not support json mode", LG_LEARN_WORDS, NULL},
    {LG_SAYS_FORMAT, "response mime type: 'application/json' is unsupported", LG_LEARN_WORDS, NULL},
    {LG_SAYS_FORMAT, "not support output format", LG_LEARN_WORDS, NULL}, /* Anthropic */
    {LG_SAYS_FORMAT, "not support response_format", LG_LEARN_WORDS, NULL},
    {LG_SAYS_FORMAT, "not support response format", LG_LEARN_WORDS, NULL},

    /* a role; the first row that fits */
    {LG_SAYS_ROLE, "after the optional system message", 0, NULL}, /* there it may stand */
    {LG_SAYS_ROLE, "optional initial system message", 0, NULL},
    {LG_SAYS_ROLE, "unknown variant `developer`", LG_LEARN_DEVELOPER, NULL}, /* DeepSeek */
    {LG_SAYS_ROLE, "not support 'developer' with this model", LG_LEARN_DEVELOPER, NULL},
    {LG_SAYS_ROLE, "'developer' is not one of", LG_LEARN_DEVELOPER, NULL}, /* Azure, older */
    {LG_SAYS_ROLE, "developer role is not supported", LG_LEARN_DEVELOPER, NULL},
    {LG_SAYS_ROLE, "role 'developer' is not supported", LG_LEARN_DEVELOPER, NULL},
    {LG_SAYS_ROLE, "unexpected role 'developer'", LG_LEARN_DEVELOPER, NULL},
    {LG_SAYS_ROLE, "unexpected role \"developer\"", LG_LEARN_DEVELOPER, NULL},
    {LG_SAYS_ROLE, "unexpected message role", LG_LEARN_DEVELOPER, NULL}, /* chat templates */
    {LG_SAYS_ROLE, "system role not supported", LG_LEARN_SYSTEM, NULL},  /* Gemma's template */
    {LG_SAYS_ROLE, "system role is not supported", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "not support system role", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "not support the system role", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "doesn't support system messages", LG_LEARN_SYSTEM, NULL}, /* Bedrock */
    {LG_SAYS_ROLE, "not support system messages", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "system messages are not supported", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "system prompt is not supported", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "not support system prompt", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "developer instruction is not enabled", LG_LEARN_SYSTEM, NULL}, /* Google */
    {LG_SAYS_ROLE, "system instruction is not enabled", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "not support 'system' with this model", LG_LEARN_SYSTEM, NULL}, /* o1 */
    {LG_SAYS_ROLE, "role 'system' is not supported", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "unexpected role 'system'", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "unexpected role \"system\"", LG_LEARN_SYSTEM, NULL}, /* Anthropic */
    {LG_SAYS_ROLE, "unknown variant `system`", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "only user and assistant roles are supported", LG_LEARN_SYSTEM, NULL},
    {LG_SAYS_ROLE, "conversation roles must alternate", LG_LEARN_SYSTEM, NULL}, /* Llama 2 */

    /* the time that a cap is of; the first row that fits */
    {LG_SAYS_DAY, "per-min", 0, NULL},
    {LG_SAYS_DAY, "per minute", 0, NULL},
    {LG_SAYS_DAY, "per second", 0, NULL},
    {LG_SAYS_DAY, "per-day", 1, NULL}, /* OpenRouter */
    {LG_SAYS_DAY, "per day", 1, NULL}, /* OpenAI, Groq */
    {LG_SAYS_DAY, "(rpd)", 1, NULL},
    {LG_SAYS_DAY, "(tpd)", 1, NULL},
    {LG_SAYS_DAY, "perday", 1, NULL},
    {LG_SAYS_DAY, "byday", 1, NULL}, /* GitHub Models */
    {LG_SAYS_DAY, "daily limit", 1, NULL},
    {LG_SAYS_DAY, "daily quota", 1, NULL},
    {LG_SAYS_DAY, "daily rate limit", 1, NULL},
    {LG_SAYS_DAY, "daily request", 1, NULL},
    {LG_SAYS_DAY, "daily token", 1, NULL},
    {LG_SAYS_DAY, "daily usage", 1, NULL},
    {LG_SAYS_DAY, "weekly limit", 1, NULL},
    {LG_SAYS_DAY, "weekly usage", 1, NULL},
    {LG_SAYS_DAY, "weekly quota", 1, NULL},
    {LG_SAYS_DAY, "per week", 1, NULL},
    {LG_SAYS_DAY, "monthly limit", 1, NULL},
    {LG_SAYS_DAY, "monthly usage", 1, NULL},
    {LG_SAYS_DAY, "monthly quota", 1, NULL},
    {LG_SAYS_DAY, "monthly request", 1, NULL},
    {LG_SAYS_DAY, "monthly token", 1, NULL},
    {LG_SAYS_DAY, "per month", 1, NULL},
    {LG_SAYS_DAY, "limit for today", 1, NULL},

    {LG_SAYS_WAIT, "try again in ", 0, NULL},
    {LG_SAYS_WAIT, "try again after ", 0, NULL},
    {LG_SAYS_WAIT, "retry in ", 0, NULL},
    {LG_SAYS_WAIT, "retry after ", 0, NULL}, /* Azure */
    {LG_SAYS_WAIT, "please wait ", 0, NULL}, /* GitHub Models */
    {LG_SAYS_WAIT, "resets in ", 0, NULL},
    {LG_SAYS_WAIT, "reset in ", 0, NULL},

    {LG_SAYS_PLACE, "country, region, or territory not supported", 0, NULL}, /* OpenAI */
    {LG_SAYS_PLACE, "country not supported", 0, NULL},
    {LG_SAYS_PLACE, "location is not supported", 0, NULL}, /* Google */
    {LG_SAYS_PLACE, "not available in your country", 0, NULL},
    {LG_SAYS_PLACE, "not available in your region", 0, NULL},
    {LG_SAYS_PLACE, "unsupported region", 0, NULL},
};

/* Fields that a model may refuse without the request losing its sense. */
static const char *const fields[] = {
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "random_seed",
    "stop",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "reasoning",
    "effort",
    "think",
    "thinkingConfig",
    "verbosity",
    "service_tier",
    "parallel_tool_calls",
    "stream_options",
    "store",
    "metadata",
    "user",
    "prompt_cache_key",
    "safety_identifier",
    "include",
    "encoding_format",
};

int lg__wording_code(const char *word)
{
    for (size_t i = 0; word[0] && i < sizeof codes / sizeof *codes; i++) {
        if (strcasecmp(codes[i].word, word) == 0)
            return codes[i].code;
    }
    return 0;
}

int lg__wording_of_field(const char *code)
{
    for (size_t i = 0; code[0] && i < sizeof field_codes / sizeof *field_codes; i++) {
        if (strcasestr(code, field_codes[i].word))
            return field_codes[i].code;
    }
    return 0;
}

const char *lg__wording_field(size_t i)
{
    return i < sizeof fields / sizeof *fields ? fields[i] : NULL;
}

/* ---- matching ---------------------------------------------------------- */

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_letter(char c)
{
    return (small(c) >= 'a' && small(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t marks(const char *s, const char *set, size_t most)
{
    size_t n = 0;
    while (n < most && s[n] && strchr(set, s[n]))
        n++;

    return n;
}

/* How far a name goes: letters, and between them . - and [0]. */
static size_t name_span(const char *s)
{
    size_t n = 0;
    while (n < NAME_MAX_ && s[n]) {
        size_t digits = s[n] == '[' ? strspn(s + n + 1, "0123456789") : 0;
        if (is_letter(s[n]) || ((s[n] == '.' || s[n] == '-') && n > 0 && is_letter(s[n + 1])))
            n++;
        else if (n > 0 && digits > 0 && digits < 8 && s[n + 1 + digits] == ']')
            n += digits + 2;
        else
            break;
    }
    return n;
}

/* A name at s, with the marks around it; what stands behind, NULL: there is none. */
static const char *take_name(const char *s, bool quoted, lg_found *f, size_t *opened)
{
    size_t open = marks(s, "'\"`[{(\\", 4), n = name_span(s + open);
    if (n == 0 || (quoted && open == 0))
        return NULL;

    f->name = s + open;
    f->name_len = n;
    *opened = open;
    s += open + n;
    return s + marks(s, "'\"`]})\\", open);
}

/* The next of a list, in quotes as the one before; NULL: that was all. */
static const char *take_next(const char *s, lg_found *f, size_t *opened)
{
    bool quoted = *opened > 0;
    size_t blanks = marks(s, " \t\r\n", 4), comma = marks(s + blanks, ",", 1);
    const char *at = s + blanks + comma;
    at += marks(at, " \t\r\n", 4);
    if (strncmp(at, "and ", 4) == 0) {
        at += 4;
        comma = 1;
    }
    const char *end = comma ? take_name(at, quoted, f, opened) : NULL;
    return end && (*opened > 0) == quoted ? end : NULL;
}

/* What stands behind one step of a pattern; NULL: it does not fit. */
static const char *step(char p, const char *s, lg_found *f, size_t *opened)
{
    if (p == '%' || p == '@')
        return take_name(s, p == '@', f, opened);

    if (p == ' ') {
        size_t n = marks(s, " \t\r\n", LOOK);
        return n > 0 ? s + n : NULL;
    }
    return *s && small(*s) == p ? s + 1 : NULL;
}

static const char *match(const char *p, const char *s, lg_found *f, size_t *opened)
{
    const char *star = NULL, *from = NULL, *next;
    int left = 0;
    while (*p) {
        if (*p == '*') {
            star = ++p;
            from = s;
            left = ANYTHING;
        } else if ((next = step(*p, s, f, opened)) != NULL) {
            s = next;
            p++;
        } else if (star && left-- > 0 && *from) {
            s = ++from;
            p = star;
        } else {
            return NULL;
        }
    }
    return s;
}

static bool ends_in_name(const char *pattern)
{
    char last = pattern[strlen(pattern) - 1];
    return last == '%' || last == '@';
}

/* Whether the row is said at s, with a name that will do. */
static bool fits(const lg_wording *row, const char *s, lg_name_fn is_name, void *ud, lg_found *f)
{
    size_t opened = 0;
    *f = (lg_found){.row = row};
    const char *end = match(row->pattern + (row->pattern[0] == '^'), s, f, &opened);
    bool list = ends_in_name(row->pattern);
    while (end && f->name && !is_name(ud, f->name, f->name_len))
        end = list ? take_next(end, f, &opened) : NULL;

    f->rest = end;
    return end != NULL;
}

static bool find_row(const lg_wording *row, const char *text, lg_name_fn is_name, void *ud,
                     lg_found *f)
{
    bool named = strpbrk(row->pattern, "%@") != NULL;
    bool begins = row->pattern[0] == '%' || row->pattern[0] == '@';
    if (named && !is_name)
        return false;

    if (row->pattern[0] == '^')
        return fits(row, text, is_name, ud, f);

    for (size_t i = 0; i < LOOK && text[i]; i++) {
        bool inside = begins && i > 0 && (is_letter(text[i - 1]) || text[i - 1] == '.');
        bool can = begins || is_blank(row->pattern[0]) || small(text[i]) == row->pattern[0];
        if (!inside && can && fits(row, text + i, is_name, ud, f))
            return true;
    }
    return false;
}

bool lg__wording_find(int kind, const char *text, lg_name_fn is_name, void *ud, lg_found *out)
{
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        if (wordings[i].kind == kind && find_row(&wordings[i], text, is_name, ud, out))
            return true;
    }
    return false;
}

bool lg__wording_quoted(const char *text, lg_name_fn is_name, void *ud, lg_found *out)
{
    static const lg_wording any = {LG_SAYS_FIELD, "@", 0, NULL};
    return find_row(&any, text, is_name, ud, out);
}

/* ---- how long ---------------------------------------------------------- */

/* Milliseconds of the unit at *s, which is passed; 0: none. */
static long long take_unit(const char **s)
{
    static const struct {
        const char *name;
        long long ms;
    } units[] = {{"milliseconds", 1}, {"ms", 1},       {"seconds", 1000},  {"second", 1000},
                 {"secs", 1000},      {"sec", 1000},   {"minutes", 60000}, {"minute", 60000},
                 {"mins", 60000},     {"min", 60000},  {"hours", 3600000}, {"hour", 3600000},
                 {"hrs", 3600000},    {"hr", 3600000}, {"days", 86400000}, {"day", 86400000},
                 {"s", 1000},         {"m", 60000},    {"h", 3600000},     {"d", 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].name);
        char behind = strncasecmp(*s, units[i].name, n) == 0 ? (*s)[n] : 'x';
        if (small(behind) < 'a' || small(behind) > 'z') {
            *s += n;
            return units[i].ms;
        }
    }
    return 0;
}

/* Thousandths of the number at *s, which is passed; -1: none. */
static long long take_number(const char **s)
{
    long long n = 0, part = 100;
    if (**s < '0' || **s > '9')
        return -1;

    for (; **s >= '0' && **s <= '9'; (*s)++)
        n = n < 1000000000000LL ? n * 10 + (**s - '0') * 1000LL : n;

    if (**s == '.' && (*s)[1] >= '0' && (*s)[1] <= '9') {
        for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, part /= 10)
            n += (**s - '0') * part;
    }
    return n;
}

/* Between "2 hours" and "3 minutes". */
static const char *skip_and(const char *s)
{
    s += marks(s, ", ", 4);
    return strncasecmp(s, "and ", 4) == 0 ? s + 4 : s;
}

long long lg__wording_duration(const char *s)
{
    long long ms = -1, n;
    s += marks(s, "~ ", 4);
    while ((n = take_number(&s)) >= 0) {
        s += marks(s, " ", 2);
        long long unit = take_unit(&s);
        if (unit == 0 || n > 100000000000LL)
            break;

        ms = (ms < 0 ? 0 : ms) + (unit == 1 ? n / 1000 : n * (unit / 1000));
        s = skip_and(s);
    }
    return ms;
}
