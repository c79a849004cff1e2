"""The words the painter knows, in English and Chinese, and what each stands for.

One line a meaning; words apart by spaces, a phrase's words joined by "_". A word may stand in several lines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """What a word stands for: a kind (scene, subject, time ...), a name in it, and how strongly."""

    kind: str
    name: str
    weight: float = 1.0


NEGATIONS = frozenset(["no", "without", "not", "never", "没有", "无", "不要", "不含", "没", "非"])

# kind, name, weight, words
# fmt: off
LINES: tuple[tuple[str, str, float, str], ...] = (
    # Places.
    ("scene", "garden", 1.0, "garden yard backyard park greenhouse 花园 庭院 院子 公园 花丛 花坛 后院"),
    ("scene", "garden", 0.4, "lawn grass flowerbed 草坪 草丛 草地"),
    ("scene", "sea", 1.0,
     "sea ocean beach coast seaside shore seashore coastline bay island waves surf tropical 海 大海 "
     "海边 海滩 沙滩 海岸 海洋 海面 海上 海浪 岛 海岛 海湾 浪花 海景"),
    ("scene", "sea", 0.3, "sunset sundown sunrise 日落 夕阳 落日 日出 晚霞 朝霞"),
    ("scene", "lake", 1.2, "lake lakeside pond reservoir fjord 湖 湖泊 湖面 湖边 湖水 湖畔 池塘 高山湖泊"),
    ("scene", "lake", 0.6, "reflection river 倒影 河 河流 江"),
    ("scene", "mountains", 1.0,
     "mountain alpine alps peak summit cliff hills himalaya matterhorn volcano 山 高山 山峰 山脉 "
     "雪山 群山 山水 山水画 山峦 悬崖 长城 火山 富士山 山谷 黄山 峡谷 snowy_mountain snowcapped "
     "snow-capped snowy_peak mount_fuji"),
    ("scene", "mountains", 0.8, "valley canyon"),
    ("scene", "mountains", 0.25, "landscape scenery 风景 风光 景色"),
    ("scene", "city", 1.1,
     "city cityscape street downtown skyline urban metropolis skyscraper town alley manhattan tokyo "
     "shanghai new_york hong_kong cyberpunk times_square buildings 城市 都市 街道 街头 大街 夜市 "
     "高楼 摩天大楼 上海 东京 香港 纽约 北京 重庆 小巷 马路 赛博朋克 小镇 建筑 街景"),
    ("scene", "city", 0.6, "neon traffic 霓虹 霓虹灯 车流"),
    ("scene", "forest", 1.1,
     "forest wood woods woodland jungle rainforest grove trees bamboo 森林 树林 丛林 林间 竹林 林中 "
     "树木 雨林 小树林"),
    ("scene", "forest", 0.5, "trail path fern 小径 小路 林荫"),
    ("scene", "desert", 1.1, "desert dune sahara gobi oasis mars 沙漠 沙丘 戈壁 荒漠 绿洲 火星 撒哈拉"),
    ("scene", "snow", 1.0,
     "snowfield snowy_field winter_landscape tundra arctic antarctica ice_field glacier "
     "winter_wonderland 雪地 雪原 雪景 冰原 极地 冰川"),
    ("scene", "snow", 0.5, "winter snow snowy christmas 冬天 冬季 冬日 雪 圣诞"),
    ("scene", "field", 1.0,
     "field meadow prairie countryside farm farmland grassland pasture lavender_field wheat_field "
     "rice_field vineyard hill steppe 田野 原野 草原 乡村 农场 麦田 稻田 花海 薰衣草田 油菜花田 牧场 "
     "田园 乡间 丘陵 梯田 葡萄园"),
    ("scene", "field", 0.6, "wheat lavender sunflower 薰衣草 麦子 油菜花"),
    ("scene", "space", 1.2,
     "space outer_space galaxy nebula cosmos universe milky_way starfield interstellar orbit 太空 "
     "宇宙 银河 星系 星云 外太空 星际 星空宇宙"),
    ("scene", "waterfall", 1.2, "waterfall cascade falls 瀑布"),
    ("scene", "table", 1.0,
     "still_life table desk kitchen tabletop interior room indoors living_room cafe window "
     "windowsill 静物 桌子 桌上 桌面 厨房 室内 房间 客厅 咖啡馆 窗台 窗边 餐桌"),
    ("scene", "underwater", 1.2,
     "underwater coral reef coral_reef aquarium deep_sea seabed 水下 海底 海底世界 珊瑚 珊瑚礁 "
     "水族馆 深海"),
    ("scene", "sky", 1.0, "above_the_clouds sea_of_clouds 云端 云海 above_clouds cloudscape"),
    ("scene", "abstract", 1.2,
     "abstract geometric pattern mandala fractal kandinsky mondrian cubism bauhaus surreal "
     "psychedelic wallpaper texture shapes fluid swirl 抽象 几何 图案 纹理 分形 曼陀罗 超现实 壁纸 "
     "流体 漩涡 kaleidoscope marble marbled liquid 万花筒 大理石"),
    ("scene", "studio", 1.0, "portrait headshot studio backdrop 肖像 人像 头像 半身像 写真"),
    ("scene", "sky", 0.5, "sky 天空 蓝天"),
    # Things in the foreground.
    ("subject", "cat", 1.0, "cat kitten kitty tabby 猫 猫咪 小猫 小猫咪 猫猫 喵 布偶猫 喵星人"),
    ("subject", "dog", 1.0,
     "dog puppy pup corgi husky shiba retriever 狗 小狗 狗狗 犬 柯基 柴犬 金毛 哈士奇 汪"),
    ("subject", "fox", 1.0, "fox wolf 狐狸 小狐狸 狼"),
    ("subject", "rabbit", 1.0, "rabbit bunny hare 兔 兔子 小兔子 小兔"),
    ("subject", "bear", 1.0, "bear teddy 熊 小熊"),
    ("subject", "panda", 1.0, "panda 熊猫 大熊猫"),
    ("subject", "bird", 1.0,
     "bird parrot robin sparrow owl hummingbird eagle canary kingfisher 鸟 小鸟 鸟儿 鹦鹉 麻雀 翠鸟 "
     "猫头鹰 老鹰 鹰 燕子"),
    ("subject", "fish", 1.0,
     "fish goldfish koi clownfish shark whale 鱼 金鱼 锦鲤 小丑鱼 小鱼 鲸鱼 鲨鱼 鱼儿"),
    ("subject", "butterfly", 1.0, "butterfly moth 蝴蝶"),
    ("subject", "horse", 1.0, "horse pony unicorn stallion 马 骏马 小马 独角兽 白马"),
    ("subject", "deer", 1.0, "deer stag reindeer fawn 鹿 小鹿 麋鹿 驯鹿"),
    ("subject", "dragon", 1.0, "dragon 龙 巨龙"),
    ("subject", "person", 1.0,
     "woman man girl boy person lady guy face portrait self-portrait princess queen king model child "
     "people human warrior wizard samurai elf 女人 男人 女孩 男孩 女子 男子 少女 少年 美女 人 人物 "
     "人像 肖像 脸 公主 女王 老人 孩子 小女孩 小男孩 模特 头像 姑娘"),
    ("subject", "astronaut", 1.0, "astronaut cosmonaut spaceman 宇航员 航天员"),
    ("subject", "robot", 1.0, "robot android mech mecha droid cyborg 机器人 机甲 机械人"),
    ("subject", "castle", 1.0, "castle fortress palace citadel 城堡 宫殿 堡垒"),
    ("subject", "house", 1.0,
     "house cottage cabin hut home barn chalet farmhouse 房子 小屋 木屋 屋子 小木屋 农舍 茅屋 房屋"),
    ("subject", "lighthouse", 1.0, "lighthouse 灯塔"),
    ("subject", "temple", 1.0, "pagoda temple shrine 宝塔 寺庙 塔 神社 庙 古塔 寺"),
    ("subject", "windmill", 1.0, "windmill 风车"),
    ("subject", "boat", 1.0,
     "boat ship sailboat yacht sail sailing sailboats 船 小船 帆船 渔船 轮船 游艇 扁舟"),
    ("subject", "balloon", 1.0, "hot_air_balloon balloon 热气球 气球"),
    ("subject", "car", 1.0, "car automobile taxi truck sports_car racecar 汽车 跑车 轿车 出租车 赛车 卡车"),
    ("subject", "rocket", 1.0, "rocket spaceship spacecraft 火箭 飞船 宇宙飞船"),
    ("subject", "planet", 1.0, "planet saturn jupiter earth ringed_planet 行星 土星 木星 地球 星球"),
    ("subject", "tree", 1.0, "tree oak cherry_tree maple 树 大树 一棵树 枫树 樱花树 橡树"),
    ("subject", "vase", 1.0, "vase bouquet 花瓶 花束 插花"),
    ("subject", "rose", 1.0, "rose peony tulip lotus orchid single_flower 玫瑰 牡丹 郁金香 荷花 莲花 兰花"),
    ("subject", "sunflowers", 1.0, "sunflower 向日葵"),
    ("subject", "apple", 1.0, "apple 苹果"),
    ("subject", "fruit", 1.0,
     "fruit orange_fruit lemon grape pear peach fruits fruit_bowl banana strawberry 水果 橙子 柠檬 "
     "葡萄 梨 桃子 果盘 草莓 香蕉 橘子"),
    ("subject", "cup", 1.0,
     "coffee cup mug tea latte cappuccino espresso teacup coffee_cup 咖啡 咖啡杯 杯子 茶 茶杯 一杯 "
     "拿铁"),
    ("subject", "cake", 1.0, "cake dessert cupcake 蛋糕 甜点"),
    ("subject", "book", 1.0, "book books 书 书本"),
    ("subject", "mushroom", 1.0, "mushroom toadstool 蘑菇"),
    ("subject", "moon", 1.0, "full_moon big_moon crescent 满月 圆月 弯月"),
    # Details that belong to a scene.
    ("extra", "flowers", 1.0,
     "flower blossom floral bloom wildflower daisy poppy poppies 花 花朵 鲜花 花园 花丛 花海 野花 "
     "樱花 盛开 繁花 sea_of_flowers flower_garden"),
    ("extra", "clouds", 1.0, "cloud cloudy clouds 云 云朵 白云 彩云"),
    ("extra", "reflection", 1.0, "reflection mirror reflecting 倒影 镜面"),
    ("extra", "neon", 1.0, "neon neon_lights cyberpunk 霓虹 霓虹灯 赛博朋克"),
    ("extra", "path", 1.0, "path trail road lane footpath walkway 小径 小路 道路 路 石板路 山路"),
    ("extra", "rays", 1.0,
     "sunbeam god_rays light_rays sunlight dappled sunshine rays dappled_light 阳光 光线 光束 斑驳 "
     "丁达尔 晨光 阳光斑驳"),
    ("extra", "stars", 1.0, "star stars starry starry_sky 星星 星空 繁星 星光 starry_night night_sky"),
    ("extra", "moon", 1.0, "moon moonlight moonlit full_moon crescent 月亮 月光 月夜 明月 满月 圆月 弯月"),
    ("extra", "aurora", 1.0, "aurora northern_lights 极光"),
    ("extra", "rainbow", 1.0, "rainbow 彩虹"),
    ("extra", "people", 1.0,
     "people crowd pedestrian person human man woman humans 人群 行人 人 人物 路人"),
    ("extra", "birds", 1.0, "seagull birds flock bird gull 海鸥 飞鸟 鸟群 鸟"),
    ("extra", "trees", 1.0, "tree trees pine palm 树 树木 松树 棕榈 椰树 椰子树"),
    ("extra", "palms", 1.0, "palm palm_tree tropical coconut 棕榈 椰树 椰子树 热带"),
    ("extra", "snowpeaks", 1.0, "snowy_mountain snow-capped snowcapped snowy_peak alps alpine 雪山 雪峰"),
    ("extra", "blossom", 1.0, "cherry_blossom sakura 樱花 桃花 梅花"),
    ("extra", "lavender", 1.0, "lavender 薰衣草 薰衣草田 lavender_field 薰衣草花海"),
    ("extra", "wheat", 1.0, "wheat barley rice_field 麦田 麦子 稻田 金色麦田 wheat_field golden_wheat"),
    ("extra", "rapeseed", 1.0, "canola rapeseed 油菜花 油菜花田"),
    ("extra", "sunflowers", 1.0, "sunflower 向日葵"),
    ("extra", "bamboo", 1.0, "bamboo 竹林 竹子 竹"),
    ("extra", "waves", 1.0, "wave surf 海浪 浪花 波浪"),
    ("extra", "lights", 1.0, "city_lights street_lamp lantern lamp 灯光 路灯 灯笼 万家灯火"),
    ("extra", "skyline", 1.0,
     "skyline harbor harbour waterfront river panorama panoramic 天际线 江边 外滩 全景 港口"),
    ("extra", "geometric", 1.0,
     "geometric cubism bauhaus mondrian kandinsky triangles circles shapes squares 几何 三角 圆形"),
    ("extra", "galaxy", 1.0, "galaxy spiral_galaxy milky_way 银河 星系"),
    ("extra", "nebula", 1.0, "nebula 星云"),
    ("extra", "volcano", 1.0, "volcano mount_fuji 火山 富士山"),
    ("extra", "cactus", 1.0, "cactus cacti saguaro 仙人掌"),
    ("extra", "mars", 1.0, "mars martian 火星"),
    ("extra", "text", 1.0, "text letters watermark signature logo 文字 水印 字 签名"),
    ("extra", "blur", 1.0, "blur blurry bokeh out_of_focus 模糊 虚化 失焦"),
    ("extra", "grain", 1.0, "grain noise grainy noisy jpeg 噪点 颗粒"),
    ("extra", "fence", 1.0, "fence 栅栏 篱笆"),
    ("extra", "hair", 1.0, "hair haired 头发 长发 短发 发色"),
    ("extra", "fireworks", 1.0, "fireworks firework 烟花 烟火 焰火"),
    ("extra", "mandala", 1.0, "mandala kaleidoscope 曼陀罗 万花筒"),
    ("extra", "flow", 1.0, "fluid swirl marble marbled liquid 流体 漩涡 大理石"),
    # Light and weather.
    ("time", "sunset", 1.0,
     "sunset dusk sundown evening twilight golden_hour afterglow setting_sun 日落 夕阳 黄昏 傍晚 "
     "晚霞 落日 暮色 日落时分"),
    ("time", "dawn", 1.0,
     "dawn sunrise morning daybreak early_morning 日出 清晨 早晨 朝霞 黎明 晨曦 早上 晨雾 拂晓"),
    ("time", "night", 1.0,
     "night midnight nighttime nocturnal moonlight moonlit starry starry_sky starry_night night_sky "
     "late_night 夜 夜晚 夜景 夜色 深夜 夜空 月光 星空 午夜 月夜 晚上 夜市 月色 fireworks firework "
     "烟花 烟火 焰火"),
    ("time", "day", 1.0,
     "day noon midday daytime daylight sunny bright_sun sunlight sunshine 白天 中午 正午 阳光 晴朗 "
     "晴天 午后 阳光斑驳"),
    ("weather", "rain", 1.0,
     "rain rainy raining drizzle downpour wet 雨 下雨 雨天 雨夜 雨中 细雨 大雨 雨季 雨后"),
    ("weather", "snowfall", 1.0,
     "snowing snowfall blizzard snowstorm snowflake falling_snow 下雪 飘雪 大雪 雪花 暴风雪 飞雪"),
    ("weather", "fog", 1.0, "fog mist foggy misty haze hazy 雾 薄雾 迷雾 晨雾 云雾 雾气 烟雨"),
    ("weather", "storm", 1.0,
     "storm thunder thunderstorm lightning stormy tempest 暴风雨 闪电 雷雨 风暴 雷电"),
    ("weather", "overcast", 1.0, "overcast cloudy gloomy_sky 阴天 多云"),
    ("weather", "clear", 1.0, "clear_sky sunny cloudless blue_sky clear 晴朗 晴天 晴空 万里无云 蓝天 清晰"),
    ("season", "spring", 1.0, "spring cherry_blossom sakura springtime 春 春天 春季 樱花 春日 桃花"),
    ("season", "summer", 1.0, "summer summertime 夏 夏天 夏季 夏日 盛夏"),
    ("season", "autumn", 1.0,
     "autumn fall fall_colors autumnal maple 秋 秋天 秋季 秋日 枫叶 红叶 金秋 秋色 枫树"),
    ("season", "winter", 1.0,
     "winter snow snowy frozen ice icy frost christmas 冬 冬天 冬季 冬日 雪 雪地 雪原 雪景 冰 冰雪 "
     "寒冬 圣诞 梅花"),
    # Colours.
    ("hue", "red", 1.0, "red crimson scarlet ruby 红 红色 红色的 大红 朱红"),
    ("hue", "orange", 1.0, "orange ginger amber tangerine 橙色 橘色 橙色的 橘色的 橘 橙"),
    ("hue", "yellow", 1.0, "yellow lemon 黄色 黄色的 黄"),
    ("hue", "gold", 1.0, "gold golden 金色 金黄 金黄色 金色的 金黄色的"),
    ("hue", "green", 1.0, "green emerald jade lime 绿 绿色 绿色的 翠绿 碧绿"),
    ("hue", "teal", 1.0, "teal turquoise cyan aqua 青色 青 青绿 蓝绿"),
    ("hue", "blue", 1.0, "blue azure navy cobalt sapphire indigo 蓝 蓝色 蓝色的 湛蓝 深蓝 天蓝"),
    ("hue", "purple", 1.0, "purple violet lilac magenta lavender 紫 紫色 紫色的 紫罗兰"),
    ("hue", "pink", 1.0, "pink rosy 粉 粉色 粉红 粉红色 粉色的"),
    ("hue", "white", 1.0, "white ivory 白 白色 白色的 雪白"),
    ("hue", "black", 1.0, "black 黑 黑色 黑色的"),
    ("hue", "grey", 1.0, "grey gray silver 灰 灰色 银色 灰色的"),
    ("hue", "brown", 1.0, "brown chocolate tan 棕色 褐色 棕 棕色的"),
    # Mood and medium.
    ("mood", "dark", 1.0, "dark gloomy gothic horror noir moody ominous dim 黑暗 阴暗 昏暗 暗黑 恐怖 阴森"),
    ("mood", "bright", 1.0,
     "bright vivid cheerful vibrant colorful colourful happy 明亮 鲜艳 欢快 多彩 绚丽 五彩"),
    ("mood", "calm", 1.0, "calm serene peaceful tranquil quiet zen 宁静 平静 安静 祥和 静谧"),
    ("mood", "dramatic", 1.0, "dramatic epic cinematic majestic 戏剧 史诗 震撼 壮观 电影感 壮丽"),
    ("mood", "dreamy", 1.0,
     "dreamy ethereal magical fantasy mystical fairy fairytale soft 梦幻 奇幻 魔幻 童话 唯美 仙境 "
     "柔和"),
    ("mood", "pastel", 1.0, "pastel pale 马卡龙 粉彩 淡雅"),
    ("mood", "warm", 1.0, "warm cozy cosy 温暖 温馨 暖色"),
    ("mood", "cold", 1.0, "cold chilly cool 寒冷 冷色 冰冷"),
    ("medium", "photo", 1.0,
     "photo photograph photography photorealistic realistic dslr 8k 4k 35mm raw 摄影 高清摄影 照片 "
     "写实 高清 实拍 摄影作品"),
    ("medium", "oil", 1.0,
     "oil_painting oil impressionist impressionism monet van_gogh impasto painting canvas acrylic "
     "油画 印象派 梵高 莫奈 厚涂"),
    ("medium", "watercolor", 1.0, "watercolor watercolour aquarelle 水彩 水彩画"),
    ("medium", "ink", 1.0,
     "ink sumi-e ink_wash sumi chinese_painting calligraphy 水墨 水墨画 国画 墨 山水画 中国画"),
    ("medium", "pixel", 1.0, "pixel pixel_art 8-bit 16-bit pixelated 像素 像素风 像素画"),
    ("medium", "sketch", 1.0,
     "sketch pencil line_art lineart drawing charcoal line-art monochrome_drawing 素描 线稿 铅笔 "
     "速写 草图 手绘"),
    ("medium", "anime", 1.0,
     "anime manga ghibli cartoon illustration cel_shaded 动漫 动画 卡通 漫画 插画 二次元 宫崎骏 "
     "吉卜力"),
    ("medium", "film", 1.0, "film analog vintage retro polaroid kodak 胶片 复古 老照片"),
    ("medium", "pastel", 1.0, "chalk crayon 粉笔 蜡笔 pastel_drawing oil_pastel soft_pastels"),
    ("medium", "neon", 1.0, "synthwave vaporwave 蒸汽波"),
    ("medium", "mono", 1.0, "black_and_white monochrome grayscale 黑白"),
)
# fmt: on

COMPOUNDS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("橘猫", (("subject", "cat"), ("hue", "orange"))),
    ("黑猫", (("subject", "cat"), ("hue", "black"))),
    ("白猫", (("subject", "cat"), ("hue", "white"))),
    ("灰猫", (("subject", "cat"), ("hue", "grey"))),
    ("蓝猫", (("subject", "cat"), ("hue", "grey"))),
    ("黑狗", (("subject", "dog"), ("hue", "black"))),
    ("白狗", (("subject", "dog"), ("hue", "white"))),
    ("红玫瑰", (("subject", "rose"), ("hue", "red"))),
    ("红苹果", (("subject", "apple"), ("hue", "red"))),
    ("青苹果", (("subject", "apple"), ("hue", "green"))),
    ("白马", (("subject", "horse"), ("hue", "white"))),
    ("黑马", (("subject", "horse"), ("hue", "black"))),
    ("白兔", (("subject", "rabbit"), ("hue", "white"))),
    ("红发", (("extra", "hair"), ("hue", "red"))),
    ("金发", (("extra", "hair"), ("hue", "gold"))),
    ("黑发", (("extra", "hair"), ("hue", "black"))),
    ("blonde", (("extra", "hair"), ("hue", "gold"))),
    ("redhead", (("extra", "hair"), ("hue", "red"))),
    # Words that only look like others: they must not be read by their parts.
    ("海报", ()),
    ("雪山", (("scene", "mountains"), ("extra", "snowpeaks"))),
    ("白云", (("extra", "clouds"),)),
    ("马路", (("scene", "city"),)),
    ("罗马", (("scene", "city"),)),
    ("熊猫", (("subject", "panda"),)),
    ("猫头鹰", (("subject", "bird"),)),
    ("机器人", (("subject", "robot"),)),
    ("日本", ()),
    ("人工智能", ()),
)

DEFAULT_SCENE = {
    "cat": "garden", "dog": "garden", "fox": "forest", "rabbit": "garden", "bear": "forest", "panda":
    "forest", "bird": "garden", "fish": "underwater", "butterfly": "garden", "horse": "field", "deer":
    "forest", "dragon": "mountains", "person": "studio", "astronaut": "space", "robot": "city",
    "castle": "mountains", "house": "field", "lighthouse": "sea", "temple": "mountains", "windmill":
    "field", "boat": "sea", "balloon": "sky", "car": "city", "rocket": "space", "planet": "space",
    "tree": "field", "vase": "table", "rose": "garden", "sunflowers": "field", "apple": "table",
    "fruit": "table", "cup": "table", "cake": "table", "book": "table", "mushroom": "forest", "moon":
    "sky",
}  # fmt: skip


def build() -> dict[str, tuple[Meaning, ...]]:
    lexicon: dict[str, tuple[Meaning, ...]] = {}
    for kind, name, weight, words in LINES:
        for word in words.split():
            spelled = word.replace("_", " ")
            lexicon[spelled] = (*lexicon.get(spelled, ()), Meaning(kind, name, weight))
    for word, meanings in COMPOUNDS:
        lexicon[word] = tuple(Meaning(kind, name) for kind, name in meanings)
    return lexicon


LEXICON = build()
LONGEST_PHRASE = max(word.count(" ") + 1 for word in LEXICON)
LONGEST_WORD = max(len(word) for word in LEXICON if word[0] >= "\u3400")
