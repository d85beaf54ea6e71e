"""From marked functions to one object file: numba types and lowers, LLVM optimises all at once.

numba on its own makes machine code of each function with all it calls, then of its caller with all
that again: ten levels of calls, ten times the work (13 of 29 s). Here its libraries only collect
what was lowered; all of it becomes one module in which nothing but the doors can be seen from
outside, is optimised once (2 s) and better: functions called once vanish into their callers, and
arguments that nobody reads are not passed (an array is seven words, the state of a run 125).

`error_model` is set on every function because the callee's model wins; reference counting is off
because nothing in an engine allocates (docs/decisions/0003). Private parts of numba are used in
`lowering`, `bitcode_of` and `_entry`; all else is its public interface.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.codegen import JITCodeLibrary
from numba.core.imputils import lower_getattr_generic
from numba.core.registry import cpu_target
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, models, register_model
from numba.np import arrayobj

from hms.scenarios.machine_code import PLAIN, Door, Part

OPTIMISE = 1
"""2 and 3 take LLVM half as long again; a run then takes as long (6.0 ms, all three)."""

NUMBERS = {"void": types.none, "i8": types.int64, "u8": types.uint64, "f8": types.float64}
WORD = ir.IntType(64)



class StateType(types.Type):  # type: ignore[misc]
    """The state of a run as where its table of words lies; a named tuple of arrays to Python.

    A tuple of twenty arrays is 140 arguments of every function, and its name, of all fields of all
    records, is in every symbol. Its arrays never move, so the words are constants.
    """

    def __init__(self, arrays: Any) -> None:
        self.arrays = dict(zip(arrays.fields, arrays.types, strict=True))
        self.words = sum(1 + array.ndim for array in arrays.types)
        super().__init__(arrays.instance_class.__module__)  # short: it is in every symbol


@register_model(StateType)
class _StateModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: StateType) -> None:
        super().__init__(manager, kind, WORD.as_pointer())


@infer_getattr
class _StateArrays(AttributeTemplate):  # type: ignore[misc]
    key = StateType

    def generic_resolve(self, state: StateType, name: str) -> Any:
        return state.arrays.get(name)


@lower_getattr_generic(StateType)  # type: ignore[untyped-decorator]
def _array_of_state(context: Any, builder: Any, state: StateType, table: Any, name: str) -> Any:
    """An array of the state from its words, of which LLVM knows that nobody ever writes them."""
    never_written = builder.module.add_metadata([])

    def word(k: int) -> Any:
        loaded = builder.load(builder.gep(table, [WORD(k)]))
        loaded.set_metadata("invariant.load", never_written)
        return loaded

    first = 0
    for each, kind in state.arrays.items():
        if each == name:
            words = (word(k) for k in range(first, first + 1 + kind.ndim))
            return _from_words(context, builder, kind, words)
        first += 1 + kind.ndim
    raise AttributeError(name)


_elsewhere: dict[Door, Any] = {}
"""Doors that another process lowers, and how they are called."""


class LoweredLibrary(JITCodeLibrary):  # type: ignore[misc]
    """What numba lowered of a function: not linked, not optimised with others, no machine code."""

    def finalize(self) -> None:
        """Nothing: LLVM's turn comes when all is lowered."""
        self._finalized = True

    def add_linking_library(self, library: Any) -> None:
        """Remember a callee's library."""
        self._linking_libraries.append(library)


@contextmanager
def lowering() -> Iterator[Any]:
    """While it lasts, what numba compiles is only lowered, and cannot be called."""
    context = cpu_target.target_context
    codegen = context.codegen()
    library_class, collects = codegen._library_class, gc.isenabled()
    codegen._library_class = LoweredLibrary
    context.get_executable = lambda *_: [].append  # each a builtin of its own, as numba's keys
    fix_index = arrayobj.fix_integer_index
    if not numba.config.BOUNDSCHECK:
        arrayobj.fix_integer_index = _index_as_it_is
    gc.disable()  # nothing is freed meanwhile: a sixth of the time
    try:
        yield codegen
    finally:
        codegen._library_class = library_class
        del context.get_executable
        arrayobj.fix_integer_index = fix_index
        if collects:
            gc.enable()


def _index_as_it_is(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
    """No index counts from the end here: looking whether one does took a tenth of a run."""
    return context.cast(builder, index, kind, types.intp)


@cache
def _dispatcher(function: Callable[..., Any]) -> Any:
    made = numba.njit(
        error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    ask = made.get_call_template

    def once_for_all_literals(arguments: Sequence[Any], named: Any) -> Any:
        """Else a function is compiled once for each constant it is called with."""
        return ask(tuple(_one_kind(each) for each in arguments), named)

    made.get_call_template = once_for_all_literals
    return made


def _one_kind(kind: Any) -> Any:
    """Small integers of a record are passed as any other."""
    plain = types.unliteral(kind)
    small = isinstance(plain, types.Integer) and plain.bitwidth < types.int64.bitwidth
    return types.int64 if small else plain


def type_of(part: Part) -> Any:
    """The type of a marked function."""
    if isinstance(part, Door) and part in _elsewhere:
        return _elsewhere[part]
    return types.Dispatcher(_dispatcher(part.function))


@cache
def type_of_instruction(name: str) -> Any:
    """The type of an instruction: to_bits, from_bits."""
    to_bits = name == "to_bits"
    result, argument = (types.int64, types.float64) if to_bits else (types.float64, types.int64)
    wide = WORD if to_bits else ir.DoubleType()

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], wide)

    def bits(context: Any, x: Any) -> Any:
        return result(argument), generate

    return _function_type(bits)


def _function_type(generator: Callable[..., Any]) -> Any:
    made = intrinsic(generator)
    cpu_target.typing_context.refresh()
    return cpu_target.typing_context.resolve_value_type(made)


def _called_elsewhere(door: Door, result: Any, arguments: tuple[Any, ...]) -> Any:
    """The type of a function that is linked to this module later."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        convention = context.call_conv
        kind = convention.get_function_type(signature.return_type, signature.args)
        function = cgutils.get_or_insert_function(builder.module, kind, _inner_name(door))
        status, value = convention.call_function(
            builder, function, signature.return_type, signature.args, values
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return value

    told = result(*arguments), generate
    calls: dict[int, Callable[..., Any]] = {  # numba wants to see as many names as arguments
        1: lambda _, a: told,
        2: lambda _, a, b: told,
        3: lambda _, a, b, c: told,
        4: lambda _, a, b, c, d: told,
        6: lambda _, a, b, c, d, e, f: told,
    }
    return _function_type(calls[len(arguments)])


def _inner_name(door: Door) -> str:
    return f"hms.{door.name}"


def _types(door: Door, state: Any) -> tuple[Any, tuple[Any, ...]]:
    """A door's result and arguments as numba's types."""
    kinds = {
        **NUMBERS,
        "state": state,
        "f8[:]": types.Array(types.float64, 1, "C"),
        "f8[:,:]": types.Array(types.float64, 2, "C"),
    }
    return NUMBERS[door.result], tuple(kinds[kind] for kind in door.arguments)


def bitcode_of(doors: Iterable[Door], elsewhere: Iterable[Door], state: Any) -> bytes:
    """Doors and all they call as one module; what is elsewhere is linked to it later.

    Args:
        state: numba's type of a run's state.
    """
    _elsewhere.update((door, _called_elsewhere(door, *_types(door, state))) for door in elsewhere)
    libraries: dict[int, Any] = {}
    names = {}
    with lowering() as codegen:
        module = _empty(codegen)
        for door in doors:
            lowered = _lowered(door, state)
            _gather(lowered.library, libraries)
            names[lowered.fndesc.llvm_func_name] = _inner_name(door)
        for library in libraries.values():
            apart = isinstance(library, LoweredLibrary)
            part = library._final_module if apart else library._get_module_for_linking()
            module.link_in(part, preserve=True)
        for function in module.functions:
            if function.name in names:
                function.name = names[function.name]
            elif not function.is_declaration:
                function.linkage = "internal"
        for door in doors:
            module.link_in(llvm.parse_assembly(str(_entry(codegen, door, state))))
    _elsewhere.clear()
    code: bytes = module.as_bitcode()
    return code


def _empty(codegen: Any) -> Any:
    module = llvm.parse_assembly(str(codegen._create_empty_module("engine")))
    module.data_layout = codegen._data_layout
    return module


def _lowered(door: Door, state: Any) -> Any:
    result, arguments = _types(door, state)
    dispatcher = _dispatcher(door.function)
    dispatcher.compile(arguments)
    lowered = dispatcher.overloads[arguments]
    found = lowered.signature.return_type
    if found != result:
        raise TypeError(f"{door.name} returns {found}, its door says {door.result}")
    return lowered


def _gather(library: Any, found: dict[int, Any]) -> None:
    if id(library) not in found:
        found[id(library)] = library
        for each in library._linking_libraries:
            _gather(each, found)


def _entry(codegen: Any, door: Door, state: Any) -> Any:
    """A function that C can call: arrays from a table of words, numbers as they are."""
    context = cpu_target.target_context
    convention = context.call_conv
    result, arguments = _types(door, state)
    module = codegen._create_empty_module(door.entry)
    inner = ir.Function(
        module, convention.get_function_type(result, arguments), _inner_name(door)
    )
    back = ir.VoidType() if PLAIN[door.result] is None else context.get_value_type(result)
    plain = [context.get_value_type(NUMBERS[kind]) for kind in door.plain]
    wide = ir.FunctionType(back, [ir.IntType(32).as_pointer(), WORD.as_pointer(), *plain])
    entry = ir.Function(module, wide, door.entry)
    builder = ir.IRBuilder(entry.append_basic_block())
    failed, table, *numbers = entry.args
    given, at, values = iter(numbers), 0, []
    for kind, each in zip(door.arguments, arguments, strict=True):
        if kind in PLAIN:
            values.append(next(given))
        elif isinstance(each, StateType):
            values.append(builder.gep(table, [WORD(at)]))
            at += each.words
        else:
            count = sum(1 + array.ndim for array in getattr(each, "types", (each,)))
            words = (builder.load(builder.gep(table, [WORD(at + k)])) for k in range(count))
            values.append(_from_words(context, builder, each, words))
            at += count
    status, value = convention.call_function(builder, inner, result, arguments, values)
    builder.store(status.code, failed)
    builder.ret_void() if PLAIN[door.result] is None else builder.ret(value)
    return module


def _from_words(context: Any, builder: Any, kind: Any, words: Iterator[Any]) -> Any:
    """An array, or a tuple of arrays, from where it lies and how long it is."""
    if isinstance(kind, types.BaseTuple):
        parts = [_from_words(context, builder, each, words) for each in kind.types]
        return context.make_tuple(builder, kind, parts)
    array = arrayobj.make_array(kind)(context, builder)
    data = builder.inttoptr(next(words), array.data.type)
    shape = [next(words) for _ in range(kind.ndim)]
    item = WORD(context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [item]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    arrayobj.populate_array(
        array, data=data, shape=shape, strides=strides, itemsize=item, meminfo=None
    )
    return array._getvalue()


def object_of(modules: Iterable[bytes], doors: Iterable[Door]) -> bytes:
    """Modules linked to one, optimised and made machine code of this machine's processor."""
    codegen = cpu_target.target_context.codegen()
    whole = _empty(codegen)
    for each in modules:
        whole.link_in(llvm.parse_bitcode(each))
    entries = {door.entry for door in doors}
    for function in whole.functions:
        if not function.is_declaration and function.name not in entries:
            function.linkage = "internal"
    options = llvm.create_pipeline_tuning_options(OPTIMISE)
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(codegen._tm, options)
    builder.getModulePassManager().run(whole, builder)
    code: bytes = codegen._tm.emit_object(whole)
    return code
