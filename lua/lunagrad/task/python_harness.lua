--- What runs a Python program on tests, itself in Python: the text of the file that is executed.
--
-- It reads a job (JSON) from its input: { program, entry, calls = [[argument, …], …] } or { program,
-- checks = [code, …] }, and limit, the seconds of each. It writes a list, an object each: { got }, or
-- { error, line }. Each has the program executed anew. Right answers of calls are not told to it:
-- they are compared where the program cannot reach. Behind checks stands the program's own process.

return [==[
import ast, copy, io, json, os, signal, sys

LONGEST = 10000


class Limit(BaseException):
    pass


def on_alarm(*_):
    raise Limit("it did not end in time")


def plain(value):
    """A value as JSON has it; what JSON does not have, as its text."""
    if isinstance(value, (list, tuple)):
        return [plain(x) for x in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return repr(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)[:LONGEST]


def place(error):
    """The last line of the program that the error went through."""
    if isinstance(error, SyntaxError) and error.filename == "program":
        return error.lineno
    line, at = None, error.__traceback__
    while at:
        if at.tb_frame.f_code.co_filename == "program":
            line = at.tb_lineno
        at = at.tb_next
    return line


def failed(error):
    text = str(error)[:1000] if not isinstance(error, RecursionError) else "stack overflow"
    kind = "time" if isinstance(error, Limit) else "error"
    said = text if isinstance(error, Limit) else type(error).__name__ + ": " + text
    return {"error": said, "kind": kind, "line": place(error)}


def sides(code, names):
    """What both sides of a failed "assert a == b" are."""
    last = ast.parse(code).body[-1]
    test = last.test if isinstance(last, ast.Assert) else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        left = eval(compile(ast.Expression(test.left), "check", "eval"), names)
        right = eval(compile(ast.Expression(test.comparators[0]), "check", "eval"), names)
        return {"call": ast.unparse(test.left), "got": plain(left), "want": plain(right)}
    return {}


def one(job, run):
    signal.setitimer(signal.ITIMER_REAL, job["limit"])
    try:
        names = {"__name__": "program"}
        exec(compile(job["program"], "program", "exec"), names)
        return run(names)
    except BaseException as error:
        return failed(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def call(job, args):
    def run(names):
        if job["entry"] not in names:
            raise NameError("there is no function " + job["entry"])
        return {"got": plain(names[job["entry"]](*copy.deepcopy(args)))}
    return one(job, run)


def check(job, code):
    def run(names):
        try:
            exec(compile(code, "check", "exec"), names)
        except AssertionError as error:
            return dict({"error": "AssertionError: " + str(error)[:1000], "kind": "wrong"},
                        **sides(code, names))
        return {"passed": True}
    return one(job, run)


def main():
    job = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, on_alarm)
    results = [call(job, args) for args in job.get("calls", [])]
    results += [check(job, code) for code in job.get("checks", [])]
    out.write(json.dumps(results))
    out.flush()
    os._exit(0)


main()
]==]
