"""Runs Jupyter's own tests of kernels (jupyter_kernel_test) on one kernel and prints what came of each, as JSON.

usage: kernel_test.py KERNEL
"""
import json
import signal
import sys
import unittest

import jupyter_kernel_test

KERNEL = sys.argv[1]
# One of the tests waits for ever on a kernel that does not answer it.
SECONDS_MAX = 100
# A busy machine may need longer than the suite gives it; above all for the first cell, which waits for the compiler.
REPLY_SECONDS_MAX = 60
jupyter_kernel_test.TIMEOUT = REPLY_SECONDS_MAX


class Bounded:
    def setUp(self):
        signal.signal(signal.SIGALRM, too_slow)
        signal.alarm(SECONDS_MAX)

    def tearDown(self):
        signal.alarm(0)


class TypeScriptKernelTests(Bounded, jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [
        {"text": "process.platfor", "matches": {"platform"}},
        {"text": "JSON.pars", "matches": {"parse"}},
    ]
    complete_code_samples = ["1", "const a = 1;", "function f() { return 1 }", "await Promise.resolve(1)"]
    incomplete_code_samples = ["function f() {", "const t = `open", "[1, 2,", "if (true) {"]
    invalid_code_samples = ["const = 3", "let 1x = 2"]
    code_generate_error = "throw new RangeError('out of range')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "null", "result": "null"},
        {"code": "'text'", "result": "'text'"},
        {"code": "[1, 2]", "result": "[ 1, 2 ]"},
    ]
    code_display_data = [
        {
            "code": "import { display } from 'tidetable'; display({ 'text/html': '<b>1</b>' }); undefined",
            "mime": "text/html",
        },
        {"code": "display({ 'image/svg+xml': '<svg/>' }); undefined", "mime": "image/svg+xml"},
    ]
    code_page_something = "%about console.log"
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "console.log"
    code_clear_output = "import { clearOutput } from 'tidetable'; clearOutput()"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kc.execute_interactive("undefined", timeout=REPLY_SECONDS_MAX, output_hook=lambda _message: None)

    def execute_helper(self, *args, **kwargs):
        """As it is, but for how long it waits for the reply, and for the tenth of a second it gives the next message."""
        kwargs.setdefault("timeout", REPLY_SECONDS_MAX)
        channel = self.kc.iopub_channel
        get_msg = channel.get_msg
        channel.get_msg = lambda timeout=None: get_msg(timeout=max(timeout or 0, 10))
        try:
            return super().execute_helper(*args, **kwargs)
        finally:
            channel.get_msg = get_msg


class WelcomeTests(Bounded, jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True


def too_slow(_signal, _frame):
    raise TimeoutError(f"no end after {SECONDS_MAX} s")


class Outcome(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(test._testMethodName)


def named(pairs):
    return {test.id().split(".", 2)[-1]: text for test, text in pairs}


loader = unittest.TestLoader()
suite = unittest.TestSuite([
    loader.loadTestsFromTestCase(TypeScriptKernelTests),
    loader.loadTestsFromTestCase(WelcomeTests),
])
outcome = Outcome()
suite.run(outcome)
print(json.dumps({
    "passed": outcome.passed,
    "failed": named([*outcome.failures, *outcome.errors]),
    "skipped": named(outcome.skipped),
}))
