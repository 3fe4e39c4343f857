//go:build cloison_blacklist

package runtime

func init() {
	// No test of Complement names us, so nothing is skipped for our sake; with no tag at all every such test warns.
	Homeserver = "cloison"
}
