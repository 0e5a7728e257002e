package sigmaconvert.referee;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;

/**
 * Loads the vendor's classes of ES|QL although many classes that they name are not published: an empty one takes the
 * place of each that is missing.
 *
 * <p>A missing class is an interface, to which anything may be assigned, unless the vendor's classes extend it, make
 * instances of it or call it as a class; then it has the constructors that they call, which do nothing, and the static
 * fields that they read, without values, and the static methods that they refer to, which fail. Calling any
 * other method of it is an error when it happens. Two things of the server of 9.3 are made up for as well: a constant
 * that one of its classes has not, and the names of versions that it does not know.
 */
final class VendorClasses extends ClassLoader {
    static final String OURS = "sigmaconvert.referee.vendor.";
    private static final String ESQL = "org.elasticsearch.xpack.esql.";
    private static final String KNOWN = "org/elasticsearch/xpack/esql/parser/EsqlParser.class";
    private static final String VERSION = "org/elasticsearch/TransportVersion";
    private static final String RANGES = "org.elasticsearch.index.mapper.RangeFieldMapper";
    private static final int CLASS_FILE = 0xCAFEBABE;
    private static final int JAVA_21 = 65;

    private final Set<String> classes = new HashSet<>();
    private final Map<String, Set<String>> constructors = new HashMap<>();
    private final Map<String, Map<String, String>> fields = new HashMap<>();
    private final Map<String, Map<String, String>> statics = new HashMap<>();

    VendorClasses(ClassLoader parent) {
        super(parent);
        try {
            JarURLConnection jar = (JarURLConnection) parent.getResource(KNOWN).openConnection();
            try (JarFile file = jar.getJarFile()) {
                for (var entry : file.stream().toList()) {
                    if (entry.getName().endsWith(".class")) {
                        note(new Pool(file.getInputStream(entry).readAllBytes()));
                    }
                }
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private void note(Pool pool) {
        if (pool.parent != null) {
            classes.add(pool.parent);
        }
        for (Pool.Member field : pool.fields) {
            fields.computeIfAbsent(field.owner, owner -> new TreeMap<>()).put(field.name, field.type);
        }
        for (Pool.Member method : pool.methods) {
            classes.add(method.owner);
            if (method.name.equals("<init>")) {
                constructors
                        .computeIfAbsent(method.owner, owner -> new TreeSet<>())
                        .add(method.type);
            }
        }
        for (Pool.Member method : pool.statics) {
            statics.computeIfAbsent(method.owner, owner -> new TreeMap<>()).put(method.name, method.type);
        }
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            try {
                if (name.startsWith(ESQL) || name.startsWith(OURS)) {
                    byte[] code = read(name);
                    if (code != null) {
                        return define(name, new Pool(code).withOurVersions());
                    }
                } else if (name.equals(RANGES)) {
                    return define(name, empty(name));
                }
                try {
                    return super.loadClass(name, resolve);
                } catch (ClassNotFoundException missing) {
                    if (name.startsWith("org.")) {
                        return define(name, empty(name));
                    }
                    throw missing;
                }
            } catch (IOException error) {
                throw new ClassNotFoundException(name, error);
            }
        }
    }

    private Class<?> define(String name, byte[] code) {
        return defineClass(name, code, 0, code.length);
    }

    private byte[] read(String name) throws IOException {
        try (InputStream code = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
            return code == null ? null : code.readAllBytes();
        }
    }

    /** Returns a class with constructors and static fields without values; or an interface. */
    private byte[] empty(String name) throws IOException {
        String path = name.replace('.', '/');
        String parent = path.endsWith("Exception") ? "java/lang/RuntimeException" : "java/lang/Object";
        boolean concrete = classes.contains(path) || fields.containsKey(path) || !parent.endsWith("Object");
        List<String> made = new ArrayList<>(constructors.getOrDefault(path, Set.of("()V")));
        List<Map.Entry<String, String>> held = List.copyOf(fields.getOrDefault(path, Map.of()).entrySet());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(CLASS_FILE);
        out.writeInt(JAVA_21);
        List<Map.Entry<String, String>> named = List.copyOf(statics.getOrDefault(path, Map.of()).entrySet());
        // 1, 2: this; 3, 4: its parent; 5 to 8: the parent's constructor; 9: Code; 10...: types; then fields and methods.
        int first = 10 + made.size();
        out.writeShort(first + 2 * held.size() + 2 * named.size());
        writeClass(out, 2, path);
        writeClass(out, 4, parent);
        writePair(out, 10, 3, 6);
        writePair(out, 12, 7, 8);
        writeText(out, "<init>");
        writeText(out, "()V");
        writeText(out, "Code");
        for (String descriptor : made) {
            writeText(out, descriptor);
        }
        for (var field : held) {
            writeText(out, field.getKey());
            writeText(out, field.getValue());
        }
        for (var method : named) {
            writeText(out, method.getKey());
            writeText(out, method.getValue());
        }
        out.writeShort(concrete ? 0x0021 : 0x0601);
        out.writeShort(1);
        out.writeShort(3);
        out.writeShort(0);
        out.writeShort(held.size());
        for (int i = 0; i < held.size(); i++) {
            out.writeShort(0x0009);
            out.writeShort(first + 2 * i);
            out.writeShort(first + 2 * i + 1);
            out.writeShort(0);
        }
        out.writeShort(concrete ? made.size() + named.size() : 0);
        for (int i = 0; concrete && i < made.size(); i++) {
            out.writeShort(0x0001);
            out.writeShort(7);
            out.writeShort(10 + i);
            writeCode(out, 1 + slots(made.get(i)), 0x2a, 0xb7, 0, 5, 0xb1); // super(); return
        }
        for (int i = 0; concrete && i < named.size(); i++) {
            out.writeShort(0x0009);
            out.writeShort(first + 2 * held.size() + 2 * i);
            out.writeShort(first + 2 * held.size() + 2 * i + 1);
            writeCode(out, slots(named.get(i).getValue()), 0x01, 0xbf); // throw null
        }
        out.writeShort(0);
        return bytes.toByteArray();
    }

    private static void writeClass(DataOutputStream out, int text, String name) throws IOException {
        out.writeByte(7);
        out.writeShort(text);
        writeText(out, name);
    }

    private static void writeCode(DataOutputStream out, int locals, int... code) throws IOException {
        out.writeShort(1);
        out.writeShort(9);
        out.writeInt(12 + code.length);
        out.writeShort(1);
        out.writeShort(locals);
        out.writeInt(code.length);
        for (int one : code) {
            out.writeByte(one);
        }
        out.writeInt(0);
    }

    private static void writeText(DataOutputStream out, String text) throws IOException {
        out.writeByte(1);
        out.writeUTF(text);
    }

    private static void writePair(DataOutputStream out, int tag, int first, int second) throws IOException {
        out.writeByte(tag);
        out.writeShort(first);
        out.writeShort(second);
    }

    /** Returns how many slots the arguments of a descriptor take. */
    private static int slots(String descriptor) {
        int count = 0;
        for (int i = 1; descriptor.charAt(i) != ')'; i++) {
            boolean array = descriptor.charAt(i) == '[';
            while (descriptor.charAt(i) == '[') {
                i++;
            }
            count += !array && "JD".indexOf(descriptor.charAt(i)) >= 0 ? 2 : 1;
            if (descriptor.charAt(i) == 'L') {
                i = descriptor.indexOf(';', i);
            }
        }
        return count;
    }

    /** The constants of a class file, as far as they matter here: its parent, and the members of classes it uses. */
    private static final class Pool {
        record Member(String owner, String name, String type, int at) {}

        final List<Member> fields = new ArrayList<>();
        final List<Member> methods = new ArrayList<>();
        final List<Member> statics = new ArrayList<>();
        final String parent;
        private final byte[] code;
        private final int count;
        private final int end;

        Pool(byte[] code) throws IOException {
            this.code = code;
            ByteArrayInputStream bytes = new ByteArrayInputStream(code);
            DataInputStream in = new DataInputStream(bytes);
            in.skipBytes(8);
            count = in.readUnsignedShort();
            String[] texts = new String[count];
            int[][] pairs = new int[count][];
            List<Integer> used = new ArrayList<>();
            Set<Integer> handled = new HashSet<>();
            int[] tags = new int[count];
            for (int i = 1; i < count; i++) {
                int tag = tags[i] = in.readUnsignedByte();
                int at = code.length - bytes.available();
                switch (tag) {
                    case 1 -> texts[i] = in.readUTF();
                    case 7 -> pairs[i] = new int[] {in.readUnsignedShort()};
                    case 8, 16, 19, 20 -> in.skipBytes(2);
                    case 15 -> {
                        int kind = in.readUnsignedByte();
                        int member = in.readUnsignedShort();
                        if (kind == 6) {
                            handled.add(member);
                        }
                    }
                    case 5, 6 -> {
                        in.skipBytes(8);
                        i++; // it counts twice
                    }
                    case 9, 10, 12 -> {
                        pairs[i] = new int[] {in.readUnsignedShort(), in.readUnsignedShort(), at};
                        if (tag != 12) {
                            used.add(i);
                        }
                    }
                    default -> in.skipBytes(4);
                }
            }
            end = code.length - bytes.available();
            in.skipBytes(4);
            int above = in.readUnsignedShort();
            parent = above == 0 ? null : texts[pairs[above][0]];
            for (int i : used) {
                int[] name = pairs[pairs[i][1]];
                Member member = new Member(texts[pairs[pairs[i][0]][0]], texts[name[0]], texts[name[1]], pairs[i][2]);
                (tags[i] == 9 ? fields : methods).add(member);
                if (handled.contains(i)) {
                    statics.add(member);
                }
            }
        }

        /** Returns the class file with its calls of {@code TransportVersion.fromName} made to {@link Versions}. */
        byte[] withOurVersions() throws IOException {
            byte[] changed = code.clone();
            boolean any = false;
            for (Member method : methods) {
                if (method.owner.equals(VERSION) && method.name.equals("fromName")) {
                    changed[method.at] = (byte) (count + 1 >> 8);
                    changed[method.at + 1] = (byte) (count + 1);
                    any = true;
                }
            }
            if (!any) {
                return code;
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.write(changed, 0, 8);
            out.writeShort(count + 2);
            out.write(changed, 10, end - 10);
            writeText(out, Versions.class.getName().replace('.', '/'));
            out.writeByte(7);
            out.writeShort(count);
            out.write(changed, end, changed.length - end);
            return bytes.toByteArray();
        }
    }
}
