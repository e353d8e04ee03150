package io.icecore.store.sim.mutant;

import java.util.List;
import org.objectweb.asm.Handle;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.InsnList;
import org.objectweb.asm.tree.InsnNode;
import org.objectweb.asm.tree.IntInsnNode;
import org.objectweb.asm.tree.InvokeDynamicInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.tree.VarInsnNode;

/** What can be done to the byte code of a method. None adds a branch, so that its stack map frames stay true. */
final class MethodEdits {
    /** Changes a method and returns in how many places. */
    interface MethodEdit {
        int apply(ClassNode type, MethodNode method);
    }

    private record Named(String what, MethodEdit edit) implements MethodEdit {
        @Override
        public int apply(final ClassNode type, final MethodNode method) {
            return edit.apply(type, method);
        }

        @Override
        public String toString() {
            return what;
        }
    }

    private MethodEdits() {}

    static MethodEdit skip(final String call, final int nth) {
        return new Named("skip " + call + (nth == 0 ? "" : " no. " + nth), (type, method) -> {
            int met = 0;
            int changed = 0;
            for (final AbstractInsnNode at : method.instructions.toArray()) {
                if (at instanceof MethodInsnNode invoke && invoke.name.equals(call) && (++met == nth || nth == 0)) {
                    method.instructions.insertBefore(at, discardArguments(invoke));
                    method.instructions.set(at, zero(Type.getReturnType(invoke.desc)));
                    changed++;
                }
            }
            return changed;
        });
    }

    static MethodEdit returns(final Object value) {
        return new Named("return " + value, (type, method) -> {
            if (method.name.startsWith("lambda$")) {
                return 0;
            }
            final Type result = Type.getReturnType(method.desc);
            method.instructions = new InsnList();
            if (result != Type.VOID_TYPE) {
                method.instructions.add(value == null ? zero(result) : new LdcInsnNode(constantOf(value)));
            }
            method.instructions.add(new InsnNode(result.getOpcode(Opcodes.IRETURN)));
            method.tryCatchBlocks.clear();
            method.localVariables = null;
            return 1;
        });
    }

    static MethodEdit constant(final long from, final long to, final int nth) {
        return new Named("constant " + from + " becomes " + to, (type, method) -> {
            int met = 0;
            int changed = 0;
            for (final AbstractInsnNode at : method.instructions.toArray()) {
                final Number number = numberOf(at);
                if (number != null && number.longValue() == from && (++met == nth || nth == 0)) {
                    final Object replacement = number instanceof Long ? (Object) to : (Object) (int) to;
                    method.instructions.set(at, new LdcInsnNode(replacement));
                    changed++;
                }
            }
            return changed;
        });
    }

    static MethodEdit instead(final String call, final String owner, final String replacement) {
        return new Named(replacement + " instead of " + call, (type, method) -> {
            int changed = 0;
            for (final AbstractInsnNode at : method.instructions.toArray()) {
                if (at instanceof MethodInsnNode invoke && invoke.name.equals(call)) {
                    method.instructions.set(at, call(owner, replacement, staticDescriptor(invoke)));
                    changed++;
                } else if (at instanceof InvokeDynamicInsnNode dynamic) {
                    changed += redirectReference(dynamic, call, owner, replacement);
                }
            }
            return changed;
        });
    }

    /** A method reference is a call as well. */
    private static int redirectReference(
            final InvokeDynamicInsnNode dynamic, final String call, final String owner, final String replacement) {
        int changed = 0;
        for (int i = 0; i < dynamic.bsmArgs.length; i++) {
            if (dynamic.bsmArgs[i] instanceof Handle handle && handle.getName().equals(call)) {
                final String descriptor = handle.getTag() == Opcodes.H_INVOKESTATIC
                        ? handle.getDesc()
                        : "(L" + handle.getOwner() + ";" + handle.getDesc().substring(1);
                dynamic.bsmArgs[i] = new Handle(Opcodes.H_INVOKESTATIC, owner, replacement, descriptor, false);
                changed++;
            }
        }
        return changed;
    }

    static MethodEdit first(final String owner, final String added) {
        return new Named(added + " first", (type, method) -> {
            if (method.name.startsWith("lambda$")) {
                return 0;
            }
            method.instructions.insert(callWithArguments(type, method, owner, added));
            return 1;
        });
    }

    static MethodEdit last(final String owner, final String added) {
        return new Named(added + " last", (type, method) -> {
            int changed = 0;
            for (final AbstractInsnNode at : method.instructions.toArray()) {
                final int opcode = at.getOpcode();
                if (opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN && !method.name.startsWith("lambda$")) {
                    method.instructions.insertBefore(at, callWithArguments(type, method, owner, added));
                    changed++;
                }
            }
            return changed;
        });
    }

    static MethodEdit count(final String probe) {
        return new Named("count", (type, method) -> {
            if (method.name.startsWith("lambda$")) {
                return 0;
            }
            method.instructions.insert(hit(probe));
            return 1;
        });
    }

    static MethodEdit countCalls(final String call, final String probe) {
        return new Named("count " + call, (type, method) -> {
            int changed = 0;
            for (final AbstractInsnNode at : method.instructions.toArray()) {
                if (at instanceof MethodInsnNode invoke && invoke.name.equals(call)) {
                    method.instructions.insertBefore(at, hit(probe));
                    changed++;
                }
            }
            return changed;
        });
    }

    private static InsnList hit(final String probe) {
        final InsnList list = new InsnList();
        list.add(new LdcInsnNode(probe));
        list.add(call(Type.getInternalName(Probes.class), "hit", "(Ljava/lang/String;)V"));
        return list;
    }

    // ---- byte code

    private static boolean isStatic(final MethodNode method) {
        return (method.access & Opcodes.ACC_STATIC) != 0;
    }

    private static MethodInsnNode call(final String owner, final String name, final String descriptor) {
        return new MethodInsnNode(Opcodes.INVOKESTATIC, owner, name, descriptor, false);
    }

    private static String staticDescriptor(final MethodInsnNode invoke) {
        return invoke.getOpcode() == Opcodes.INVOKESTATIC
                ? invoke.desc
                : "(L" + invoke.owner + ";" + invoke.desc.substring(1);
    }

    private static InsnList callWithArguments(
            final ClassNode type, final MethodNode method, final String owner, final String added) {
        final InsnList list = new InsnList();
        final StringBuilder descriptor = new StringBuilder("(");
        int local = 0;
        if (!isStatic(method)) {
            list.add(new VarInsnNode(Opcodes.ALOAD, local++));
            descriptor.append('L').append(type.name).append(';');
        }
        for (final Type argument : Type.getArgumentTypes(method.desc)) {
            list.add(new VarInsnNode(argument.getOpcode(Opcodes.ILOAD), local));
            descriptor.append(argument.getDescriptor());
            local += argument.getSize();
        }
        list.add(call(owner, added, descriptor.append(")V").toString()));
        return list;
    }

    private static InsnList discardArguments(final MethodInsnNode invoke) {
        final InsnList list = new InsnList();
        final List<Type> arguments = List.of(Type.getArgumentTypes(invoke.desc));
        for (int i = arguments.size() - 1; i >= 0; i--) {
            list.add(new InsnNode(arguments.get(i).getSize() == 2 ? Opcodes.POP2 : Opcodes.POP));
        }
        if (invoke.getOpcode() != Opcodes.INVOKESTATIC) {
            list.add(new InsnNode(Opcodes.POP));
        }
        return list;
    }

    private static AbstractInsnNode zero(final Type type) {
        return switch (type.getSort()) {
            case Type.VOID -> new InsnNode(Opcodes.NOP);
            case Type.LONG -> new InsnNode(Opcodes.LCONST_0);
            case Type.DOUBLE -> new InsnNode(Opcodes.DCONST_0);
            case Type.FLOAT -> new InsnNode(Opcodes.FCONST_0);
            case Type.OBJECT, Type.ARRAY -> new InsnNode(Opcodes.ACONST_NULL);
            default -> new InsnNode(Opcodes.ICONST_0);
        };
    }

    private static Object constantOf(final Object value) {
        return value instanceof Boolean truth ? (Object) (truth ? 1 : 0) : value;
    }

    private static Number numberOf(final AbstractInsnNode at) {
        final int opcode = at.getOpcode();
        if (opcode >= Opcodes.ICONST_M1 && opcode <= Opcodes.ICONST_5) {
            return opcode - Opcodes.ICONST_0;
        }
        if (opcode == Opcodes.LCONST_0 || opcode == Opcodes.LCONST_1) {
            return (long) (opcode - Opcodes.LCONST_0);
        }
        if (at instanceof IntInsnNode push && opcode != Opcodes.NEWARRAY) {
            return push.operand;
        }
        return at instanceof LdcInsnNode load && (load.cst instanceof Integer || load.cst instanceof Long)
                ? (Number) load.cst
                : null;
    }
}
