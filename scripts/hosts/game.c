/* game.c - a game loop at 60 frames a second, and a character whose instructions get better
 * meanwhile: the quartermaster, who has to count what the player carries.
 *
 *   cc game.c $(pkg-config --cflags --libs lunagrad) -o game
 *   ./game                                      on sim, the embedded stand-in for a model
 *   OPENAI_API_KEY=x ./game http://127.0.0.1:8080/v1 sim/default
 *                                               on a server, such as `lunagrad mock`
 *
 * The engine gets 2 ms of each frame. At the end: the score before and after, on questions that
 * decide what is kept; and how long the engine took in how many frames. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lunagrad.h>

enum { FRAME_US = 16667, BUDGET_US = 2000, TRAIN = 24, VALIDATE = 24 };

/* ---- the questions: generated, with their answers ---------------------------- */

static const struct noun {
    const char *one, *many, *kind;
} nouns[] = {{"an apple", "apples", "fruits"},
             {"a banana", "bananas", "fruits"},
             {"a peach", "peaches", "fruits"},
             {"an orange", "oranges", "fruits"},
             {"a plum", "plums", "fruits"},
             {"a drum", "drums", "musical instruments"},
             {"a flute", "flutes", "musical instruments"},
             {"a violin", "violins", "musical instruments"},
             {"a trumpet", "trumpets", "musical instruments"},
             {"a carrot", "carrots", "vegetables"},
             {"an onion", "onions", "vegetables"},
             {"a cabbage", "cabbages", "vegetables"},
             {"a potato", "potatoes", "vegetables"}};
enum { NOUNS = sizeof nouns / sizeof *nouns };

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 16) % below;
}

/* One line of JSON: {"question":"I have …. How many fruits do I have?","answer":"5"} */
static size_t add_question(char *out, size_t room, unsigned *seed)
{
    static const char *const numbers[] = {"", "", "two", "three", "four"};
    const char *kind = nouns[draw(seed, NOUNS)].kind;
    unsigned first = draw(seed, NOUNS), n = 4 + draw(seed, 6), sum = 0;
    int len = snprintf(out, room, "{\"question\":\"I have ");
    for (unsigned i = 0; i < n; i++) {
        const struct noun *noun = &nouns[(first + i) % NOUNS];
        unsigned count = draw(seed, 10) < 6 ? 1 : 2 + draw(seed, 3);
        const char *before = i == 0 ? "" : i + 1 < n ? ", " : ", and ";
        sum += strcmp(noun->kind, kind) == 0 ? count : 0;
        len += count == 1 ? snprintf(out + len, room - (size_t)len, "%s%s", before, noun->one)
                          : snprintf(out + len, room - (size_t)len, "%s%s %s", before,
                                     numbers[count], noun->many);
    }
    len += snprintf(out + len, room - (size_t)len,
                    ". How many %s do I have?\",\"answer\":\"%u\"}\n", kind, sum);
    return (size_t)len;
}

static size_t make_set(char *out, size_t room, int n, unsigned seed)
{
    size_t len = 0;
    while (n-- > 0)
        len += add_question(out + len, room - len, &seed);
    return len;
}

/* ---- frames --------------------------------------------------------------------- */

static const int64_t limits_us[] = {50, 100, 250, 500, 1000, 2000, 4000, 8000, INT64_MAX};
enum { LIMITS = sizeof limits_us / sizeof *limits_us };
static unsigned histogram[LIMITS], frames, late;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void count_frame(int64_t spent_us)
{
    int i = 0;
    while (spent_us > limits_us[i])
        i++;
    histogram[i]++;
    frames++;
    late += spent_us > FRAME_US;
}

static void show_histogram(void)
{
    printf("\n%u frames, %u late; the engine's part of a frame:\n", frames, late);
    for (int i = 0; i < LIMITS; i++) {
        if (limits_us[i] == INT64_MAX)
            printf("   longer   %6u\n", histogram[i]);
        else
            printf("  <= %4.2f ms %6u\n", (double)limits_us[i] / 1000, histogram[i]);
    }
}

static void sleep_until(int64_t at_us)
{
    struct timespec t = {(time_t)(at_us / 1000000), (long)(at_us % 1000000 * 1000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* One frame's share for the engine. false: the job has ended. */
static bool play_frame(lg_engine *e)
{
    const lg_event *event;
    bool goes_on = true;
    int64_t begin = now_us();
    lg_engine_step(e, BUDGET_US);
    while ((event = lg_engine_next(e))) {
        if (event->type == LG_EVENT_PROGRESS)
            printf("frame %4u: %.*s\n", frames, (int)event->len, event->text);
        goes_on = goes_on && event->type != LG_EVENT_END;
    }
    count_frame(now_us() - begin);
    return goes_on;
}

static void play(lg_engine *e)
{
    int64_t next = now_us();
    do {
        /* … here a game reads its input, moves its world and draws it … */
        next += FRAME_US;
        sleep_until(next);
    } while (play_frame(e));
}

/* ---- the character ----------------------------------------------------------------- */

static int fail(const lg_engine *e, const char *what)
{
    fprintf(stderr, "game: %s: %s\n", what, e ? lg_engine_errmsg(e) : "no engine");
    return 1;
}

static int choose_model(lg_engine *e, int argc, char **argv)
{
    lg_model_config m;
    lg_model *model;
    lg_model_config_init(&m);
    m.dialect = "openai";
    m.base_url = argc > 1 ? argv[1] : NULL;
    m.name = m.model = argc > 2 ? argv[2] : "sim/default";
    m.api_key = getenv("OPENAI_API_KEY");
    int err = m.base_url ? lg_model_new(e, &m, &model) : lg_model_sim(e, "sim/default", &model);
    if (err)
        return err;
    err = lg_engine_models(e, model, NULL, NULL, NULL); /* all roles */
    lg_model_unref(model);
    return err;
}

/* While a game loads, nobody counts milliseconds: libcurl, where a server is asked, and the
 * library's own Lua, which a first loss brings in. */
static int load(lg_engine *e, bool server)
{
    lg_var *answer, *loss;
    if (server)
        lg_engine_preload(e);
    int err = lg_var_new(e, "7", 1, "answer", false, &answer);
    if (err)
        return err;
    err = lg_loss_exact(e, answer, "7", true, &loss);
    while (!err && lg_var_state(loss) == LG_PENDING)
        lg_engine_wait(e, -1);
    if (!err)
        lg_var_unref(loss);
    lg_var_unref(answer);
    return err;
}

static double score_of(const char *json, const char *name)
{
    const char *at = json ? strstr(json, name) : NULL;
    return at ? strtod(at + strlen(name), NULL) : 0;
}

static int show_result(const lg_job *job, const lg_var *prompt)
{
    lg_failure why;
    const char *json = lg_job_result(job, NULL);
    if (lg_job_error(job, &why))
        fprintf(stderr, "game: %s\n", why.message);
    printf("\nscore: %.3f before, %.3f after\nthe quartermaster is told now:\n%s\n",
           score_of(json, "\"seed_score\":"), score_of(json, "\"best_score\":"),
           lg_var_text(prompt, NULL));
    show_histogram();
    return lg_job_state(job) == LG_READY ? 0 : 1;
}

static int improve(lg_engine *e, lg_var *prompt)
{
    static char train[TRAIN * 400], val[VALIDATE * 400];
    lg_job_config c;
    lg_job *job;
    lg_job_config_init(&c);
    c.params = &prompt;
    c.n_params = 1;
    c.train = train;
    c.train_len = make_set(train, sizeof train, TRAIN, 1);
    c.val = val;
    c.val_len = make_set(val, sizeof val, VALIDATE, 2);
    c.metric = "number"; /* the last number in the answer is the right one */
    c.batch = 4;
    c.steps = 6;
    if (lg_train(e, &c, &job))
        return fail(e, "training");
    play(e);
    int code = show_result(job, prompt);
    lg_job_free(job);
    return code;
}

int main(int argc, char **argv)
{
    static const char text[] = "You are the quartermaster. Answer the question.";
    lg_engine *e;
    lg_var *prompt;
    if (lg_engine_new(NULL, &e))
        return fail(NULL, "start");
    int code = choose_model(e, argc, argv) || load(e, argc > 1) ? fail(e, "loading") : 0;
    if (!code && lg_var_new(e, text, sizeof text - 1, "instructions of the quartermaster", true,
                            &prompt) == 0) {
        code = improve(e, prompt);
        lg_var_unref(prompt);
    }
    lg_engine_free(e);
    return code;
}
