"""dspy_peer.py - DSPy 3.4.1: MIPROv2 or GEPA (PEER_METHOD=mipro|gepa) over dspy.Predict.

One predictor, question -> answer, with the seed prompt as its instruction and the chat adapter.
MIPROv2 is told its numbers (auto=None), chosen so that it ends near the budget: 10 candidates of
instructions and of at most 3 + 3 worked examples, 24 trials on 35 rows of validation, all of it
after every 5. GEPA is told the budget. DSPy's own cache on disk is on, in the state directory.
"""
import os

import common

args = common.arguments()

import dspy  # noqa: E402

METHOD = os.environ.get("PEER_METHOD", "mipro")
ROWS = common.splits(args.rows)
dspy.configure(lm=dspy.LM("openai/" + args.model, temperature=0, max_tokens=2000))


class Program(dspy.Module):
    def __init__(self):
        super().__init__()
        self.answer = dspy.Predict(dspy.Signature("question -> answer", common.SEED_PROMPT))

    def forward(self, question):
        return self.answer(question=question)


def examples(rows):
    return [dspy.Example(question=row["question"], answer=str(row["answer"]))
            .with_inputs("question") for row in rows]


def metric(example, prediction, trace=None, pred_name=None, pred_trace=None):
    right = common.is_right(prediction.answer, {"answer": example.answer})
    if METHOD == "gepa":
        return dspy.Prediction(score=right, feedback=common.feedback(
            prediction.answer, {"answer": example.answer}))
    return bool(right) if trace is not None else right


def mipro(program):
    optimizer = dspy.MIPROv2(metric=metric, auto=None, num_candidates=10, seed=args.seed,
                             max_bootstrapped_demos=3, max_labeled_demos=3,
                             num_threads=args.workers)
    return optimizer.compile(program, trainset=examples(ROWS["train"]),
                             valset=examples(ROWS["val"]), num_trials=24, minibatch=True,
                             minibatch_size=35, minibatch_full_eval_steps=5)


def gepa(program):
    optimizer = dspy.GEPA(metric=metric, max_metric_calls=args.budget - args.budget // 16,
                          reflection_lm=dspy.LM("openai/" + args.model, temperature=0,
                                                max_tokens=4000),
                          num_threads=args.workers, seed=args.seed,
                          log_dir=args.state + "/run")
    return optimizer.compile(program, trainset=examples(ROWS["train"]),
                             valset=examples(ROWS["val"]))


if args.mode == "train":
    compiled = (mipro if METHOD == "mipro" else gepa)(Program())
    compiled.save(args.state + "/program.json")
else:
    program = Program()
    if args.which == "result":
        program.load(args.state + "/program.json")
    evaluate = dspy.Evaluate(devset=examples(ROWS["test"]), metric=metric,
                             num_threads=args.workers, display_progress=False)
    answers = [prediction.get("answer", "") for _, prediction, _ in evaluate(program).results]
    common.print_right(answers, ROWS["test"])
