// lunagrad.hpp - the C API of lunagrad for C++17: handles that clean up behind themselves, errors as
// exceptions, callbacks as functions. One header over lunagrad.h; everything of the C API stays
// within reach (get()).
//
//   lunagrad::engine e;
//   lunagrad::model m = e.sim();
//   e.models(m);
//   lunagrad::var prompt = e.param("Answer the question.", "system prompt");
//   lunagrad::var answer = e.ask(m, "How many legs has a spider?", prompt);
//   std::string text = e.wait(answer);
//
// Nothing of it may be used after its engine is gone. A handle may be moved and, where the C API
// counts, copied. Exceptions thrown by callbacks become the answer's failure.
#ifndef LUNAGRAD_HPP
#define LUNAGRAD_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lunagrad.h>

namespace lunagrad {

class error : public std::runtime_error {
public:
    error(int code, const std::string &what) : std::runtime_error(what), code_(code) {}
    int code() const noexcept { return code_; } // LG_E…

private:
    int code_;
};

// A counted handle: variables and models.
template <class T, T *(*Ref)(T *), void (*Unref)(T *)> class counted {
public:
    counted() noexcept = default;
    explicit counted(T *made) noexcept : p_(made) {} // takes the count over
    counted(const counted &other) : p_(other.p_ ? Ref(other.p_) : nullptr) {}
    counted(counted &&other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
    counted &operator=(counted other) noexcept
    {
        std::swap(p_, other.p_);
        return *this;
    }
    ~counted()
    {
        if (p_)
            Unref(p_);
    }
    static counted of(T *borrowed) { return counted(borrowed ? Ref(borrowed) : nullptr); }
    T *get() const noexcept { return p_; }
    explicit operator bool() const noexcept { return p_ != nullptr; }

protected:
    T *p_ = nullptr;
};

using model = counted<lg_model, lg_model_ref, lg_model_unref>;

class var : public counted<lg_var, lg_var_ref, lg_var_unref> {
public:
    using counted::counted;
    var(counted other) : counted(std::move(other)) {}
    bool settled() const { return lg_var_state(p_) != LG_PENDING; }
    // The text; throws what it failed with, or that it is not ready.
    std::string text() const
    {
        std::size_t len = 0;
        lg_failure why{};
        if (const char *s = lg_var_text(p_, &len))
            return std::string(s, len);
        if (lg_var_error(p_, &why))
            throw error(why.code, why.message);
        throw error(LG_ESTATE, "the variable is not ready");
    }
    double score() const
    {
        double score = 0, target = 0;
        if (!lg_var_score(p_, &score, &target))
            throw error(LG_ESTATE, "the variable has no score");
        return score;
    }
};

// What a job asks: read its params, and answer.
class query {
public:
    query(lg_engine *e, const lg_query *q) : e_(e), q_(q) {}
    const lg_query *get() const noexcept { return q_; }
    std::uint64_t id() const noexcept { return q_->id; }
    std::string_view example() const { return {q_->example, q_->example_len}; }
    std::string_view text() const { return {q_->text, q_->len}; }
    var param(std::size_t i) const
    {
        return var(var::of(i < q_->n_params ? q_->params[i] : nullptr));
    }
    void answer(const var &v) const { lg_answer_var(e_, q_->id, v.get()); }
    void answer(double score, std::string_view feedback = {}) const
    {
        lg_answer_score(e_, q_->id, score, feedback.data(), feedback.size());
    }
    void fail(const std::string &why) const
    {
        lg_answer_fail(e_, q_->id, LG_ETOOL, why.c_str());
    }

private:
    lg_engine *e_;
    const lg_query *q_;
};

using answerer = std::function<void(const query &)>;

// What a job is about; texts and functions are kept by the job that is made of it.
struct task {
    std::vector<var> params;
    std::string train, val, test; // JSON lines
    answerer program, evaluate, score, check;
    std::string question, metric, critic, method, options, check_words;
    std::vector<std::string> constraints;
    int batch = 0, steps = 0;
    std::uint64_t seed = 0, max_calls = 0, max_evaluations = 0, tag = 0;
};

class job {
public:
    job(lg_engine *e, task what, int (*begin)(lg_engine *, const lg_job_config *, lg_job **))
        : task_(std::make_unique<task>(std::move(what)))
    {
        lg_job_config c;
        std::vector<lg_var *> params;
        std::vector<const char *> constraints;
        for (const var &v : task_->params)
            params.push_back(v.get());
        for (const std::string &s : task_->constraints)
            constraints.push_back(s.c_str());
        fill(c, params, constraints);
        lg_job *made = nullptr;
        if (int err = begin(e, &c, &made))
            throw error(err, lg_engine_errmsg(e));
        job_.reset(made);
    }
    lg_job *get() const noexcept { return job_.get(); }
    bool ended() const { return lg_job_state(get()) != LG_PENDING; }
    void cancel() { lg_job_cancel(get()); }
    std::string best(std::size_t i = 0) const
    {
        std::size_t len = 0;
        const char *s = lg_job_best(get(), i, &len);
        return s ? std::string(s, len) : std::string();
    }
    // JSON; throws what it failed with.
    std::string result() const
    {
        std::size_t len = 0;
        lg_failure why{};
        if (lg_job_error(get(), &why))
            throw error(why.code, why.message);
        const char *s = lg_job_result(get(), &len);
        return s ? std::string(s, len) : std::string();
    }

private:
    struct freed {
        void operator()(lg_job *j) const { lg_job_free(j); }
    };
    template <answerer task::*F>
    static void ask(void *ud, lg_engine *e, const lg_query *q)
    {
        const task *t = static_cast<const task *>(ud);
        query asked(e, q);
        try {
            (t->*F)(asked);
        } catch (const std::exception &problem) {
            asked.fail(problem.what());
        }
    }
    static const char *some(const std::string &s) { return s.empty() ? nullptr : s.c_str(); }
    void fill(lg_job_config &c, const std::vector<lg_var *> &params,
              const std::vector<const char *> &constraints)
    {
        const task &t = *task_;
        lg_job_config_init(&c);
        c.tag = t.tag;
        c.params = params.data();
        c.n_params = params.size();
        c.train = some(t.train), c.train_len = t.train.size();
        c.val = some(t.val), c.val_len = t.val.size();
        c.test = some(t.test), c.test_len = t.test.size();
        c.program = t.program ? ask<&task::program> : nullptr;
        c.evaluate = t.evaluate ? ask<&task::evaluate> : nullptr;
        c.score = t.score ? ask<&task::score> : nullptr;
        c.check = t.check ? ask<&task::check> : nullptr;
        c.ud = task_.get();
        c.question = some(t.question), c.metric = some(t.metric), c.critic = some(t.critic);
        c.method = some(t.method), c.options = some(t.options);
        c.check_words = some(t.check_words);
        c.constraints = constraints.data(), c.n_constraints = constraints.size();
        c.batch = t.batch, c.steps = t.steps, c.seed = t.seed;
        c.max_calls = t.max_calls, c.max_evaluations = t.max_evaluations;
    }
    std::unique_ptr<task> task_;
    std::unique_ptr<lg_job, freed> job_; // freed before its task
};

class engine {
public:
    explicit engine(const lg_config *cfg = nullptr)
    {
        lg_engine *made = nullptr;
        if (int err = lg_engine_new(cfg, &made))
            throw error(err, lg_error_text(err));
        e_.reset(made);
    }
    lg_engine *get() const noexcept { return e_.get(); }

    model sim(const std::string &name = "sim/default") const
    {
        lg_model *m = nullptr;
        check(lg_model_sim(get(), name.c_str(), &m));
        return model(m);
    }
    model server(const std::string &dialect, const std::string &base_url, const std::string &name,
                 const std::string &key = {}) const
    {
        lg_model *m = nullptr;
        lg_model_config c;
        lg_model_config_init(&c);
        c.dialect = dialect.c_str(), c.base_url = base_url.c_str();
        c.name = c.model = name.c_str();
        c.api_key = key.empty() ? nullptr : key.c_str();
        check(lg_model_new(get(), &c, &m));
        return model(m);
    }
    void models(const model &all, const model &backward = {}, const model &optimizer = {},
                const model &judge = {}) const
    {
        check(lg_engine_models(get(), all.get(), backward.get(), optimizer.get(), judge.get()));
    }

    var text(std::string_view s, const std::string &role = "text") const { return leaf(s, role, false); }
    var param(std::string_view s, const std::string &role) const { return leaf(s, role, true); }
    var ask(const model &m, std::string_view question, const var &system = {}) const
    {
        return ask(m, text(question, "question"), system);
    }
    var ask(const model &m, const var &question, const var &system = {},
            const lg_query *for_query = nullptr) const
    {
        lg_message messages[2];
        lg_call call;
        lg_var *answer = nullptr;
        std::size_t n = 0;
        if (for_query)
            lg_query_call(for_query, &call);
        else
            lg_call_init(&call);
        if (system)
            messages[n++] = {"system", system.get()};
        messages[n++] = {"user", question.get()};
        call.messages = messages, call.n_messages = n;
        check(lg_call_model(get(), m.get(), &call, &answer));
        return var(answer);
    }
    var critic(const var &answer, const std::string &instruction) const
    {
        lg_var *v = nullptr;
        check(lg_loss_critic(get(), answer.get(), instruction.c_str(), nullptr, &v));
        return var(v);
    }
    job train(task what) const { return job(get(), std::move(what), lg_train); }
    job search(task what) const { return job(get(), std::move(what), lg_search); }

    // For hosts without a loop of their own: until done() is true.
    template <class Done> void run(Done done, int wait_ms = 100) const
    {
        while (!done()) {
            check(lg_engine_wait(get(), wait_ms));
            drain();
        }
    }
    std::string wait(const var &v) const
    {
        run([&] { return v.settled(); });
        return v.text();
    }
    // For those that have one: when get()'s descriptor is readable, or its time-out over.
    void step(std::int64_t budget_us = 0) const
    {
        check(lg_engine_step(get(), budget_us));
        drain();
    }
    std::function<void(const lg_event &)> on_event; // what is not handled here; may be empty

private:
    struct freed {
        void operator()(lg_engine *e) const { lg_engine_free(e); }
    };
    void check(int err) const
    {
        if (err < 0)
            throw error(err, lg_engine_errmsg(get()));
    }
    void drain() const
    {
        while (const lg_event *event = lg_engine_next(get())) {
            if (on_event)
                on_event(*event);
        }
    }
    var leaf(std::string_view s, const std::string &role, bool grad) const
    {
        lg_var *v = nullptr;
        check(lg_var_new(get(), s.data(), s.size(), role.c_str(), grad, &v));
        return var(v);
    }
    std::unique_ptr<lg_engine, freed> e_;
};

} // namespace lunagrad

#endif
