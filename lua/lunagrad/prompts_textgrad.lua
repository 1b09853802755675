--- The set "textgrad" of the operators' prompts: what TextGrad tells its models, and in which order.
--
-- For comparisons: `lg.prompts.use "textgrad"`. The words are ours; the information and its order
-- are those of TextGrad 0.1.8: a glossary of tags in the system messages; for feedback the role,
-- the conversation, the objective (with what was said about the output, if anything was), then the
-- variable; for an update role, variable, context, earlier versions, constraints, examples and the
-- form of the reply. So what TextGrad does not say is left out: scores and targets, what the
-- outcome is judged by in the end, who else is asked, what is solved already, which versions
-- validation refused, and how many points there may be.
--
-- What differs nevertheless: the variable is shown whole and not as its first and last ten words,
-- and [VARIABLE] stands for it in conversations; in the update's context each piece is headed by its
-- number and score, and stands before its conversation; examples and constraints are numbered. What
-- has no counterpart there (a second question after a reply that is of no use, pictures and sounds)
-- is as in "default".

local prompts = {}

prompts["critic.system"] = [[
You take part in a system that optimizes a text, the variable, and you are what a gradient is to
other systems: with your feedback the variable gets better. Feedback is all you give, thoughtful,
creative and critical. A new version of the variable is not yours to propose; be specific about its
present one, tell what is wrong with it, why, and along which lines it could be mended. Expect it to
be used again in the way that you are shown. If the variable works well as it is, there is no
feedback to give: then reply with exactly
NOTHING TO IMPROVE
What the tags in the messages hold:
- <ROLE>: what the variable is for.
- <VARIABLE>: the variable itself.
- <CONVERSATION>: how the variable was used. With a language model: <SYSTEM> is the system prompt,
  <USER> the input, <ASSISTANT> an earlier reply and <OUTPUT> the output of the model. With a
  function: <FUNCTION> says what it is for, the tags between are its inputs by their names, and
  <RESULT> is what it returned.
- <OBJECTIVE_FUNCTION>: what your feedback should help to reach.
A number may be appended to the name of a tag. What stands between tags is material.]]

local BASE = [[
This is about a variable with the role <ROLE>{role}</ROLE>. %s [VARIABLE] marks where it stood:
<CONVERSATION>
{conversation}
</CONVERSATION>

The feedback is to serve this goal:
<OBJECTIVE_FUNCTION>
{objective}
</OBJECTIVE_FUNCTION>

The variable in question:
<VARIABLE>
{variable}
</VARIABLE>

Give your feedback on the {role}: how should it be different, so that the goal is met better?]]

local CHAIN = [[
This is about a variable with the role <ROLE>{role}</ROLE>. %s [VARIABLE] marks where it stood:
<CONVERSATION>
{conversation}
</CONVERSATION>

What came out there is the {output_role}. The feedback is to serve this goal:
<OBJECTIVE_FUNCTION>
The {output_role} is to become such that this criticism of it no longer holds:
<FEEDBACK>
{feedback}
</FEEDBACK>
</OBJECTIVE_FUNCTION>

The variable in question:
<VARIABLE>
{variable}
</VARIABLE>

Give your feedback on the {role}: how should it be different, so that the goal is met better?]]

prompts["critic.base"] = BASE:format "A language model evaluated it in this exchange;"
prompts["critic.chain"] = CHAIN:format "It was part of this conversation with a language model;"
prompts["tool.base"] = BASE:format "A function was applied to it, which evaluates it;"
prompts["tool.chain"] = CHAIN:format "A function was applied to it;"

prompts["objective"] = "What was measured above is to come out better."
prompts["objective.scored"] = prompts["objective"]

prompts["reduce.system"] = [[
You take part in a system that optimizes texts by feedback. Several pieces of feedback on one
variable are before you, each from another use of it. Sum them up, so that one piece remains which
tells all that matters in them, critically and in one voice. A new version of the variable is not
yours to propose.
What the tags in the messages hold:
- <ROLE>: what the variable is for.
- <VARIABLE>: the variable itself.
- <FEEDBACK>: the pieces, numbered.
A number may be appended to the name of a tag. What stands between tags is material.]]

prompts["reduce.user"] = [[
These pieces of feedback were given on a variable with the role <ROLE>{role}</ROLE>:
<FEEDBACK>
{feedback}
</FEEDBACK>

The variable in question:
<VARIABLE>
{variable}
</VARIABLE>

Merge them: write the one piece of feedback that sums them up.]]

prompts["tgd.system"] = [[
You take part in a system that optimizes a text, the variable. You are given feedback on it and use
that to write a better version. Feedback may be noisy: find what matters in it and is right. Mind
what the variable is for and how it was used. What you write is the whole new variable and takes its
place as it is; reply in the form that the message ends with, and with nothing else.
What the tags in the messages hold:
- <ROLE>: what the variable is for.
- <VARIABLE>: the variable itself, which is to be improved.
- <CONTEXT>: how it was used and what was said about that, piece by piece.
- <CONVERSATION>: one use of it. With a language model: <SYSTEM> is the system prompt, <USER> the
  input and <OUTPUT> the output of the model.
- <FEEDBACK>: criticism of the variable in that use.
- <PAST_ITERATIONS>: versions that it had before.
- <CONSTRAINTS>: what a new version must keep to.
- <EXAMPLES>: texts of the kind that a new version should be.
A number may be appended to the name of a tag. What stands between tags is material.]]

prompts["tgd.user"] = [[
The variable that is to be improved has the role <ROLE>{role}</ROLE>. As it is now:
<VARIABLE>
{variable}
</VARIABLE>

How it was used ([VARIABLE] marks where it stood), and what feedback there is:
<CONTEXT>
{context}
</CONTEXT>

Improve the variable, the {role}, by what the FEEDBACK tags hold.
{extras}
Write the improved variable between <NEW_VARIABLE> and </NEW_VARIABLE>.]]

prompts["tgd.extras"] = "{past}\n{memory}\n{constraints}\n{examples}"

prompts["tgd.past"] = [[
Versions that the variable had in past iterations, with what was said of them, oldest first. Where
the feedback keeps being the same, the change was too small: change the variable more.
<PAST_ITERATIONS>
{past}
</PAST_ITERATIONS>]]

prompts["tgd.memory"] = [[
Feedback that was given in past iterations, oldest first:
<FEEDBACK_MEMORY>
{memory}
</FEEDBACK_MEMORY>]]

prompts["tgd.constraints"] = [[
All of these constraints are to be kept to:
<CONSTRAINTS>
{constraints}
</CONSTRAINTS>]]

prompts["tgd.examples"] = [[
Take these examples as the basis of what you write:
<EXAMPLES>
{examples}
</EXAMPLES>]]

return prompts
