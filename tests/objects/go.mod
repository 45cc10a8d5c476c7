module trunkline.dev/objects

go 1.26.0
