"""gepa_peer.py - gepa 0.1.4: gepa.optimize with its default adapter, reflection form and options.

The evaluator is the metric that all have, with feedback in the words of its own default evaluator.
Its run_dir is kept, so that a killed run goes on; it ends at a perfect validation, as the others do. Temperature 0 for both models.
"""
import json

import common

args = common.arguments()

import gepa  # noqa: E402
from gepa.adapters.default_adapter.default_adapter import DefaultAdapter, EvaluationResult  # noqa: E402
from gepa.lm import LM  # noqa: E402
from gepa.utils import ScoreThresholdStopper  # noqa: E402

ROWS = common.splits(args.rows)
MODEL = LM("openai/" + args.model, temperature=0)


def evaluate(data, response):
    return EvaluationResult(score=float(common.is_right(response, data)),
                            feedback=common.feedback(response, data))


def instances(rows):
    return [{"input": row["question"], "answer": str(row["answer"]), "additional_context": {}}
            for row in rows]


class Budget:
    """Ends a run before a proposal and its validation could go over the budget."""

    def __init__(self):
        self.reflections = 0

    def ask(self, prompt):
        self.reflections += 1
        return MODEL(prompt)

    def __call__(self, state):
        return state.total_num_evals + self.reflections + common.LARGEST_STEP > args.budget


def adapter():
    made = DefaultAdapter(model="openai/" + args.model, evaluator=evaluate,
                          max_litellm_workers=args.workers)
    made._lm = MODEL
    return made


def train():
    budget = Budget()
    result = gepa.optimize(
        seed_candidate={"system_prompt": common.SEED_PROMPT}, trainset=instances(ROWS["train"]),
        valset=instances(ROWS["val"]), adapter=adapter(), reflection_lm=budget.ask,
        stop_callbacks=[budget, ScoreThresholdStopper(1.0)], seed=args.seed, run_dir=args.state + "/run")
    common.note("candidates", len(result.candidates), "best on validation",
                max(result.val_aggregate_scores))
    common.save(args, "candidate.json", json.dumps(result.best_candidate))


if args.mode == "train":
    train()
else:
    found = {"system_prompt": common.SEED_PROMPT}
    if args.which == "result":
        found = json.loads(common.load(args, "candidate.json"))
    batch = adapter().evaluate(instances(ROWS["test"]), found)
    common.print_right([one["full_assistant_response"] for one in batch.outputs], ROWS["test"])
